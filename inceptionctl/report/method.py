"""How the figures of a report are computed, in sentences."""

METHOD = """\
Errors in percent, changes in points; cost in multiply-adds. The interval of a row is Student's t over its seeds, on the
log odds of an error, so that it stays between 0 and 100 %. The variance of a change has two parts: that between seeds,
pooled over the compared rows that have converged unless Levene's test says that they vary differently, and that between
test images, clustered by source, from two-way random-effects moments, without the interaction that the first part has
already. A verdict names a direction only if the interval excludes 0; "equal within" the declared margin is the result
of two one-sided tests. The p values are Welch's t test over seeds alone, and its correction by Holm over the rungs. The
sd between seeds is split into what the finite test set explains and what differs between the networks (Jordan 2024). On
a plateau, the training loss changes over the last fifth of the run by less than 5 % of its fall before."""
