"""The fault matrix: what happens to a run when something is killed, full, damaged, hung or NaN, what its user is told,
and that nothing is lost that the design promises to keep. Real processes, signals and file systems."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from multiprocessing import forkserver
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file
from support import hooks
from support.command_line import SHORT, latest
from support.runs import (
    assert_same_end,
    at_step,
    gone,
    last_checkpoint,
    launched,
    only,
    pid_of,
    processes_in,
    rank_and_readers,
    result,
    rows,
    start,
    unfinish,
    wait_for,
)
from support.trackers import history, scalars

from inceptionctl.runs.io import read_record
from inceptionctl.runs.metrics import read_metrics
from inceptionctl.runs.records.metrics import TrainRow
from inceptionctl.runs.records.process import Divergence
from inceptionctl.trackers.base import values
from inceptionctl.training import checkpoint

STEPS = 48  # three epochs of 16
LIMIT_SECONDS = 240  # four times what the slowest takes on a quiet machine
AGAIN = "restarting from its last checkpoint (1 of 3)"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]  # one fork server, the undisturbed run once
two_ranks = pytest.mark.xdist_group("faults_of_two_ranks")  # the slower half


@pytest.fixture(autouse=True)
def time_limit():
    """Of each test; the processes that it has started end with the exception."""

    def stop(*_):
        raise TimeoutError(f"this test took more than {LIMIT_SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def draw(folder, classes, count):
    for kind in range(classes):
        (folder / str(kind)).mkdir(parents=True)
        for i in range(count):
            pixels = np.random.default_rng([kind, i]).integers(0, 256, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / str(kind) / f"{i}.png")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    draw(folder / "train", 2, 32)
    draw(folder / "val", 2, 4)
    return folder


@pytest.fixture(scope="module")
def words(images):
    """Of a run that takes two seconds: three epochs of sixteen steps of four images, with dropout and random crops."""
    folder = ["data=imagefolder", f"data.root={images}", "data.workers=0", "augment=crop_flip"]
    length = ["train.batch_size=4", "train.epochs=3", "train.log_every=1", "train.monitor=8", "launch.device=cpu"]
    return ["train", *folder, *latest(*SHORT, *length)]


@pytest.fixture(scope="module")
def undisturbed(words, tmp_path_factory):
    outputs = tmp_path_factory.mktemp("undisturbed")
    assert launched(*words, f"outputs={outputs}")[0] == 0
    return only(outputs, "train/*-0")


@pytest.fixture(scope="module")
def undisturbed_two(words, tmp_path_factory):
    """Of two ranks."""
    outputs = tmp_path_factory.mktemp("undisturbed_two")
    assert launched(*words, f"outputs={outputs}", "launch.nproc=2")[0] == 0
    return only(outputs, "train/*-0")


@pytest.fixture
def outputs(tmp_path):
    """The outputs folder of this test. No process that uses it may be left."""
    yield tmp_path / "outputs"
    wait_for(lambda: not processes_in(tmp_path), seconds=300)


@pytest.fixture
def disk(tmp_path):
    """A small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def unfinished(run, folder):
    """A copy of a finished run as it was before its evaluations and result were written."""
    shutil.copytree(run, folder)
    unfinish(folder)
    return folder


def saved_at(run):
    return int(last_checkpoint(run).name.removeprefix("step-"))


# Killed


def test_sigkill_of_the_only_rank(words, outputs, undisturbed):
    code, output = launched(
        *words, f"outputs={outputs}", meanwhile=lambda: os.kill(pid_of(at_step(20, outputs)), signal.SIGKILL)
    )
    assert code == 0, output
    assert f"was killed by signal 9; {AGAIN}" in output
    assert_same_end(only(outputs, "train/*-0"), undisturbed)


def lose_one_of_two(lost, words, outputs, undisturbed_two):
    def kill():
        run = at_step(20, outputs)
        other = pid_of(run, 1 - lost)
        os.kill(pid_of(run, lost), signal.SIGKILL)
        wait_for(lambda: gone(other), seconds=30)

    code, output = launched(*words, f"outputs={outputs}", "launch.nproc=2", meanwhile=kill)
    assert code == 0, output
    assert f"lost a rank; {AGAIN}" in output
    assert_same_end(only(outputs, "train/*-0"), undisturbed_two)


@two_ranks
def test_sigkill_of_the_second_of_two_ranks(words, outputs, undisturbed_two):
    lose_one_of_two(1, words, outputs, undisturbed_two)


@two_ranks
def test_sigkill_of_the_first_of_two_ranks(words, outputs, undisturbed_two):
    lose_one_of_two(0, words, outputs, undisturbed_two)


def test_sigkill_of_a_data_worker(words, outputs, undisturbed):
    ranks = []

    def kill():
        rank, readers = rank_and_readers(at_step(20, outputs))
        ranks.append(rank)
        os.kill(readers[0], signal.SIGKILL)
        run = at_step(30, outputs)
        ranks.append(pid_of(run))

    code, output = launched(*latest(*words, f"outputs={outputs}", "data.workers=1"), meanwhile=kill)
    assert code == 0, output
    assert "a data worker was killed (signal 9, out of memory?); restarting the workers at batch 2" in output
    assert ranks[0] == ranks[1], "the rank itself was not restarted"
    assert AGAIN not in output
    assert_same_end(only(outputs, "train/*-0"), undisturbed)


def test_sigkill_of_the_fork_server(words, outputs, undisturbed):
    """The worker itself lives on, and is replaced by one that a new server forks."""
    workers = []

    def kill():
        workers.append(pid_of(at_step(20, outputs)))
        os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)

    code, output = launched(*words, f"outputs={outputs}", meanwhile=kill)
    assert code == 0, output
    assert f"lost its fork server; {AGAIN}" in output
    assert gone(*workers)
    assert_same_end(only(outputs, "train/*-0"), undisturbed)


@two_ranks
def test_sigkill_of_the_launcher_of_two_ranks(words, outputs, tmp_path, undisturbed_two):
    process = start(tmp_path, *words, f"outputs={outputs}", "launch.nproc=2")
    run = at_step(20, outputs)
    process.kill()
    process.communicate(timeout=30)  # which waits for all that hold the other end of its output
    wait_for(lambda: not processes_in(tmp_path), seconds=300)
    assert 20 <= saved_at(run) < STEPS
    code, output = launched(*words, f"outputs={outputs}")
    assert code == 0, output
    assert_same_end(run, undisturbed_two)


# Told to stop


def stopped_once(number, tmp_path, words, outputs):
    """The folder of a run whose launcher was signalled in the middle of an epoch, after it has ended."""
    process = start(tmp_path, *words, f"outputs={outputs}")
    run = at_step(20, outputs)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "stopping: saving checkpoints (interrupt again to stop without saving)" in output
    assert "the same command continues" in output
    wait_for(lambda: not processes_in(tmp_path), seconds=300)
    assert 20 <= saved_at(run) < STEPS
    return run


@two_ranks
def test_sigterm_to_the_launcher_of_two_ranks(words, outputs, tmp_path, undisturbed_two):
    run = stopped_once(signal.SIGTERM, tmp_path, [*words, "launch.nproc=2"], outputs)
    code, output = launched("resume", run)
    assert code == 0, output
    assert_same_end(run, undisturbed_two)


def test_sigusr2_to_the_launcher(words, outputs, tmp_path, undisturbed):
    run = stopped_once(signal.SIGUSR2, tmp_path, words, outputs)
    code, output = launched("resume", run)
    assert code == 0, output
    assert_same_end(run, undisturbed)


def stopped_twice(number, tmp_path, words, outputs, ranks):
    """As `stopped_once`, but the ranks are suspended and cannot save, and a second signal follows the first."""
    process = start(tmp_path, *words, f"outputs={outputs}", f"launch.nproc={ranks}")
    run = at_step(20, outputs)
    for rank in range(ranks):
        os.kill(pid_of(run, rank), signal.SIGSTOP)
    before = saved_at(run)
    process.send_signal(number)
    for line in process.stdout:
        if "stopping: saving checkpoints" in line:
            break
    assert process.poll() is None
    begun = time.monotonic()
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert time.monotonic() - begun < 5
    assert process.returncode == 130, output
    wait_for(lambda: not processes_in(tmp_path), seconds=300)
    assert saved_at(run) == before
    return run


@two_ranks
def test_sigterm_twice_to_the_launcher_of_two_ranks(words, outputs, tmp_path):
    run = stopped_twice(signal.SIGTERM, tmp_path, words, outputs, ranks=2)
    assert checkpoint.read(last_checkpoint(run)).state["step"] == 16


def test_sigusr2_twice_to_the_launcher(words, outputs, tmp_path, undisturbed):
    run = stopped_twice(signal.SIGUSR2, tmp_path, words, outputs, ranks=1)
    code, output = launched("resume", run)
    assert code == 0, output
    assert_same_end(run, undisturbed)


# Killed while writing


def test_sigkill_while_a_checkpoint_is_written(words, outputs, tmp_path, monkeypatch, undisturbed):
    """In the middle of each of its files in turn: each time the run resumes from the checkpoint before."""
    names = ["model.safetensors", "ema.safetensors", "optimizer.safetensors", "random.safetensors", "state.json"]
    names += ["manifest.json"]
    assert sorted(names) == sorted(path.name for path in last_checkpoint(undisturbed).iterdir())
    notes = tmp_path / "notes"
    hooks.hook_in(monkeypatch, hooks.die_while_saving, "step-00000032", names, notes)
    code, output = launched(*words, f"outputs={outputs}", f"launch.restarts={len(names)}")
    assert code == 0, output
    assert [f"({n} of {len(names)})" in output for n in range(1, len(names) + 1)] == [True] * len(names)
    assert notes.read_text().split() == ["0"] + ["16"] * len(names)
    run = only(outputs, "train/*-0")
    assert sorted(path.name for path in run.glob("checkpoints/*")) == ["step-00000032", "step-00000048"]
    assert not list(run.glob("checkpoints/.step*"))
    assert_same_end(run, undisturbed)


# No space left


def run_out_of_space(words, disk, monkeypatch, hook, *arguments):
    """The folder and the output of a run whose disk filled up, after space was freed."""
    ballast = disk / "ballast"
    hooks.hook_in(monkeypatch, hook, ballast, *arguments)
    code, output = launched(*words, f"outputs={disk}")
    assert ballast.stat().st_size > 1 << 20
    ballast.unlink()
    monkeypatch.undo()
    assert code == 1, output
    assert "No space left on device" in output
    return only(disk, "train/*-0"), output


def test_no_space_for_a_checkpoint(words, disk, outputs, monkeypatch, undisturbed):
    run, output = run_out_of_space(words, disk, monkeypatch, hooks.fill_before_checkpoint, "step-00000032")
    assert f"cannot write {run}/checkpoints/step-00000032: " in output
    assert saved_at(run) == 16
    code, output = launched("resume", run)
    assert code == 0, output
    assert_same_end(run, undisturbed)


def test_no_space_for_metrics_and_log(words, disk, outputs, monkeypatch, undisturbed):
    run, output = run_out_of_space(words, disk, monkeypatch, hooks.fill_before_row, 17)
    assert f"cannot write {run}/metrics.jsonl: " in output
    assert saved_at(run) == 16
    code, output = launched("resume", run)
    assert code == 0, output
    assert_same_end(run, undisturbed)


def test_no_space_for_the_results(words, disk, outputs, monkeypatch, undisturbed):
    run, output = run_out_of_space(words, disk, monkeypatch, hooks.fill_before_results)
    assert f"cannot write {run}/evaluations/test.whole.ema.npz: " in output
    assert saved_at(run) == STEPS
    assert not (run / "result.json").exists()
    code, output = launched("resume", run)
    assert code == 0, output
    assert_same_end(run, undisturbed)


# Damaged checkpoints


def test_a_truncated_checkpoint(undisturbed, outputs):
    run = unfinished(undisturbed, outputs)
    path = run / "checkpoints" / "step-00000048" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    code, output = launched("resume", run)
    assert code == 0, output
    assert f"checkpoint {path.parent} is damaged: model.safetensors does not match its checksum; using the" in output
    assert_same_end(run, undisturbed)


def test_a_bit_flipped_in_a_checkpoint(undisturbed, outputs):
    run = unfinished(undisturbed, outputs)
    path = run / "checkpoints" / "step-00000048" / "optimizer.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    code, output = launched("resume", run)
    assert code == 0, output
    assert "optimizer.safetensors does not match its checksum; using the one before it" in output
    assert_same_end(run, undisturbed)


def test_a_checkpoint_of_another_run(undisturbed, outputs):
    run = unfinished(undisturbed, outputs)
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("\nseed: 0\n", "\nseed: 1\n"))
    code, output = launched("resume", run)
    assert code == 1, output
    assert "this checkpoint is of run " in output
    assert not (run / "result.json").exists()


# NaN


def test_a_loss_that_is_nan(words, outputs):
    code, output = launched(*words, f"outputs={outputs}", "schedule.lr=1e30", "train.grad_clip=1e30")
    assert code == 1, output
    folder = only(outputs, "train/*-0/diverged/step-*")
    assert f"training diverged at step {int(folder.name.removeprefix('step-'))}: loss " in output
    assert "lower schedule.lr" in output
    assert str(folder) in output
    report = read_record(folder / "report.json", Divergence)
    assert {"nan", "inf"} & {report.loss, report.grad_norm}
    weights = load_file(folder / "model.safetensors")
    assert set(report.not_finite) == {name for name, values in weights.items() if not np.isfinite(values).all()}
    assert len(report.images) == 4


def test_a_divergence_that_a_lower_learning_rate_avoids(words, outputs, monkeypatch, undisturbed):
    hooks.hook_in(monkeypatch, hooks.diverge, 20, 2)
    code, output = launched(*words, f"outputs={outputs}", "train.rollbacks=2")
    assert code == 0, output
    assert "training diverged at step 20: loss nan" in output
    assert "rolling back to the last checkpoint at half the learning rate" in output
    run = only(outputs, "train/*-0")
    assert result(run).rollbacks == 2
    ours, theirs = ({row["step"]: row["lr"] for row in rows(r) if row["kind"] == "train"} for r in (run, undisturbed))
    assert ours == {step: lr / (4 if step > 16 else 1) for step, lr in theirs.items()}


def test_a_divergence_that_it_does_not_avoid(words, outputs, monkeypatch):
    hooks.hook_in(monkeypatch, hooks.diverge, 20, 3)
    code, output = launched(*words, f"outputs={outputs}", "train.rollbacks=2")
    assert code == 1, output
    assert "training diverged at step 20: loss nan" in output
    run = only(outputs, "train/*-0")
    assert (run / "log" / "rank-0.log").read_text().count("rolling back to the last checkpoint") == 2
    assert (run / "diverged" / "step-00000020" / "report.json").is_file()


# Unreadable images


@pytest.fixture
def with_unreadable_images(words, images, tmp_path):
    """The command on a folder with one unreadable training image and one unreadable evaluation image."""
    shutil.copytree(images, tmp_path / "images")
    for split in ("train", "val"):
        path = tmp_path / "images" / split / "1" / "0.png"
        path.write_bytes(path.read_bytes()[:500])
    return latest(*words, f"data.root={tmp_path / 'images'}", "train.epochs=1")


def test_an_unreadable_image_ends_the_run(with_unreadable_images, outputs):
    code, output = launched(*with_unreadable_images, f"outputs={outputs}")
    assert code == 1, output
    assert "/1/0.png cannot be read" in output
    assert "remove it, or set data.on_corrupt=skip or replace" in output


@pytest.mark.parametrize(("corrupt", "done"), [("skip", "skipped"), ("replace", "replaced")])
def test_unreadable_images_are_left_out_or_replaced(with_unreadable_images, outputs, corrupt, done):
    """An evaluation image is never replaced: another one would count twice."""
    code, output = launched(*with_unreadable_images, f"outputs={outputs}", f"data.on_corrupt={corrupt}")
    assert code == 0, output
    assert f"train/1/0.png cannot be read ({done})" in output
    assert "val/1/0.png cannot be read (skipped)" in output
    run = only(outputs, "train/*-0")
    assert (result(run).unreadable, result(run).unreadable_images.names) == (1, ["1/0.png"])
    assert [one.n_images for one in result(run).evaluations] == [7, 7]


# Other processes and other failures


def test_two_processes_do_not_work_on_one_run(words, outputs, tmp_path):
    process = start(tmp_path, *latest(*words, f"outputs={outputs}", "train.epochs=500"))
    at_step(2, outputs)
    code, output = launched(*latest(*words, f"outputs={outputs}", "train.epochs=500"))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert code == 1
    assert "another process is working on" in output
    assert process.returncode == 130


def test_a_folder_that_cannot_be_written_to(words, disk, undisturbed):
    run = unfinished(undisturbed, disk / "run")
    before = sorted(disk.rglob("*"))
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    code, output = launched(*words, f"outputs={disk / 'outputs'}")
    assert code == 2, output
    assert f"outputs = {disk / 'outputs'}, name = train is not allowed: {disk} cannot be written to" in output
    code, output = launched("resume", run)
    assert code == 2, output
    assert f"{run} cannot be written to, and a run continues in its own folder" in output
    assert sorted(disk.rglob("*")) == before


def test_a_failing_tracker_is_reported_once_and_gets_its_rows_later(
    inceptionctl, words, outputs, tmp_path, undisturbed
):
    """Weights & Biases without an API key: this home folder has none."""
    home = {"HOME": str(tmp_path / "home"), "WANDB_API_KEY": ""}
    done = inceptionctl(*words, f"outputs={outputs}", "tracker=wandb", **home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("tracker wandb failed") == 1
    run = only(outputs, "train/*-0")
    assert_same_end(run, undisturbed)
    done = inceptionctl("sync", str(run), "--tracker", "wandb", "tracker.wandb.mode=offline", **home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_tracked(run)


def test_trackers_of_a_run_that_is_killed_have_each_row_once(words, outputs, undisturbed):
    trackers = ["tracker=[wandb,tensorboard]", "tracker.wandb.mode=offline"]
    code, output = launched(
        *words, f"outputs={outputs}", *trackers, meanwhile=lambda: os.kill(pid_of(at_step(20, outputs)), signal.SIGKILL)
    )
    assert code == 0, output
    assert "failed" not in output
    run = only(outputs, "train/*-0")
    assert_same_end(run, undisturbed)
    assert_tracked(run)
    losses = [(row.step, row.loss) for row in read_metrics(run / "metrics.jsonl") if isinstance(row, TrainRow)]
    assert scalars(run, "train/loss") == [(step, pytest.approx(loss)) for step, loss in losses]


def assert_tracked(run):
    """wandb has the training steps and losses of metrics.jsonl, each once. Times may be those of a row that was sent
    before the run was killed."""
    rows = [asdict(row) for row in read_metrics(run / "metrics.jsonl")]
    assert [without_times(row) for row in history(run)] == [
        without_times({**values(row), "step": row["step"]}) for row in rows
    ]


def without_times(row):
    return {key: value for key, value in row.items() if not key.endswith(("time_s", "images_per_s"))}


# Streams, folders and locales


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{} | head -1", 0),
        ("LC_ALL=C PYTHONIOENCODING=ascii {} >/dev/full", 1),
        ("TMPDIR={long} {} <&- >&- 2>&-", 0),
    ],
    ids=["pipe", "full", "closed"],
)
def test_output_that_goes_nowhere(line, code, words, outputs, tmp_path, undisturbed):
    """The run is done all the same; only what was lost of its output is an error."""
    long = tmp_path / ("x" * 120)
    long.mkdir()
    words = shlex.join([str(Path(sys.executable).with_name("inceptionctl")), *words, f"outputs={outputs}"])
    line = f"set -o pipefail; {line.format(words, long=long)}"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert ("No space left on device" in done.stderr) == (code == 1)
    assert_same_end(only(outputs, "train/*-0"), undisturbed)


FULL_SHM = 'mount -t tmpfs -o size=64k tmpfs /dev/shm && head -c 100000 /dev/zero >/dev/shm/fill; exec "$@"'


@pytest.mark.parametrize("command", ["train", "data"])
def test_a_full_dev_shm(command, words, images, outputs, tmp_path):
    """Where the locks of several processes lie; one rank needs none."""
    several = [*words, f"outputs={outputs}", "launch.nproc=2"]
    asked = {"train": several, "data": ["data", "check", str(images)]}[command]
    in_its_own = ["unshare", "--mount", "sh", "-c", FULL_SHM, "sh"]
    if subprocess.run([*in_its_own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    done = subprocess.run(
        [*in_its_own, sys.executable, "-m", "inceptionctl", *asked],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "cannot be started: No space left on device\n  is /dev/shm full?" in said
    assert "Traceback" not in said


# Time


def test_a_clock_that_jumps(words, outputs, monkeypatch, undisturbed):
    """Durations are those of the monotonic clock, here one that counts by ones; the watchdog does not act."""
    hooks.hook_in(monkeypatch, hooks.clocks)
    monkeypatch.setattr(time, "time", hooks.jumping)
    code, output = launched(*words, f"outputs={outputs}", "launch.hang_timeout=60")
    monkeypatch.undo()
    assert code == 0, output
    assert "heartbeat" not in output
    run = only(outputs, "train/*-0")
    times = [row.time_s for row in read_metrics(run / "metrics.jsonl") if isinstance(row, TrainRow)]
    assert len(times) == STEPS
    assert times == sorted(set(times))
    assert all(float(at).is_integer() and 0 < at < 1000 for at in times)
    wall_s = result(run).wall_s
    assert wall_s.is_integer()
    assert times[-1] < wall_s < 1000
    assert_same_end(run, undisturbed)


def test_a_rank_that_hangs(words, outputs, undisturbed):
    suspended = []

    def suspend():
        suspended.append(pid_of(at_step(20, outputs)))
        os.kill(suspended[0], signal.SIGSTOP)

    code, output = launched(*words, f"outputs={outputs}", "launch.hang_timeout=6", meanwhile=suspend)
    assert code == 0, output
    assert f"had no heartbeat for 6 s (launch.hang_timeout); {AGAIN}" in output
    assert gone(*suspended)
    assert_same_end(only(outputs, "train/*-0"), undisturbed)
