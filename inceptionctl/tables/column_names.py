"""The columns of a report by the names that a table's `columns` has. No torch."""

from __future__ import annotations

COLUMNS = {
    "paper": "the paper's top-1 error",
    "paper_change": "the paper's change from the row compared with",
    "ours": "our mean over seeds, of the table's metric, with sd and number of seeds",
    "change": "our change from the row compared with, with its interval",
    "verdict": "what the change shows",
    "agreement": "whether ours agrees with the paper's; only for the same images and protocol",
    "interval": "95 % interval of our mean",
    "top1": "our top-1 error at the end, if the table's metric is another",
    "also": "further metrics of the table, a column each",
    "seed_sd": "the spread between seeds: what the test set explains, and what differs between networks",
    "cost_paper": "multiply-adds as the paper prints them",
    "cost_full": "multiply-adds of the network at the paper's size",
    "cost_here": "multiply-adds of the network as run",
    "params": "parameters of the network as run",
    "other_weights": "top-1 error of the weights that the table does not report",
    "paper_top5": "the paper's top-5 error",
    "top5": "our top-5 error; left out with ten classes or fewer",
    "inverse_rms": "RMSProp's factors on the learning rate",
}
# What is shown, in this order, if a table does not say: footnotes have the spread between seeds.
USUAL = tuple(name for name in COLUMNS if name != "seed_sd")
