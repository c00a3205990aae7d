"""From settings to a plan, without torch: data, network, steps, learning rate and cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from math import lcm

from inceptionctl.config.identity import identity
from inceptionctl.config.schema import Config
from inceptionctl.data.index import Index
from inceptionctl.models.settings import Arch
from inceptionctl.models.spec.cost import Cost, cost
from inceptionctl.models.spec.nodes import Conv, Sep, Seq
from inceptionctl.models.spec.tensors import tensors
from inceptionctl.models.zoo.registry import architecture, network
from inceptionctl.planning.checks import (
    check_batch_norm,
    check_classifier,
    check_ema,
    check_heads,
    check_monitor,
    check_protocol,
    check_trains,
    cost_on_input,
    left_over,
    small_layers,
)
from inceptionctl.planning.schedule import schedule_notes, with_fitting_warmup
from inceptionctl.planning.weights import check_fits_release, initial_weights, with_resolved_weights
from inceptionctl.training.clock import Clock
from inceptionctl.training.partition import BatchPartition
from inceptionctl.training.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`config` with what was resolved of its data and weights; `spec` and `cost` of the network as run; `weights`: what
    to say about the weights that it starts from; `label`: what was typed for it; `found_in`: more
    folders in which its run may be finished already."""

    config: Config
    identity: str
    spec: Seq
    cost: Cost
    data: Index
    clock: Clock
    schedule: Schedule
    weights: tuple[str, ...] = ()
    label: str = ""
    found_in: tuple[str, ...] = ()

    @cached_property
    def full(self) -> Cost:
        return full_cost(self.config.arch)

    @cached_property
    def schedule_notes(self) -> list[str]:
        return schedule_notes(self.config, self.clock)

    @cached_property
    def warnings(self) -> list[str]:
        train, launch = self.config.train, self.config.launch
        unit = lcm(train.bn_batch_size or 1, launch.accumulation_steps * (launch.nproc or 1))
        small = small_layers(self.cost, train.bn_batch_size or train.batch_size)
        return [*left_over(self.data.n_train, train.batch_size, unit), *small]

    def with_seed(self, seed: int) -> Plan:
        """The same plan under another seed."""
        config = replace(self.config, seed=seed)
        return replace(self, config=config, identity=identity(config))

    def partition(self, world_size: int) -> BatchPartition:
        """How the batch is divided over `world_size` ranks. Raises RequestError if the division leaves a rest."""
        train, steps = self.config.train, self.config.launch.accumulation_steps
        has_batch_norm = any(isinstance(layer.node, Conv | Sep) and layer.node.norm for layer in self.cost.layers)
        return BatchPartition.of(train.batch_size, world_size, steps, train.bn_batch_size, has_batch_norm)


def full_cost(arch: Arch) -> Cost:
    """The cost at the paper's size: full width, all blocks, native input, 1000 classes, no auxiliary heads."""
    pixels = architecture(arch.name).pixels
    rewrites = asdict(arch.rewrites) | {"low_resolution": None, "stem_pools": None, "blocks": None}
    return cost(network(arch.name, head=False, rewrites=rewrites), (pixels, pixels))


def plan(config: Config) -> Plan:
    """Indexes the data, finds the weights to start from and checks what only they can tell.

    Raises RequestError for what cannot run.
    """
    check_heads(config)
    check_trains(config)
    check_protocol(config)
    config = with_fitting_warmup(config)
    data = config.data.index(config.train.keep_best)
    resolved = replace(config.resolved, data_fingerprint=data.fingerprint)
    planned = frozen_plan(with_resolved_weights(replace(config, resolved=resolved)), data)
    check_classifier(config, planned.cost.out, len(data.classes))
    check_fits_release(planned.config, planned.cost)
    check_ema(config, planned.clock)
    check_monitor(config, planned.clock)
    check_batch_norm(config, planned.cost)
    return planned if config.resolved.weights_sha256 else with_initial_weights(planned)


def with_initial_weights(plan: Plan) -> Plan:
    """`plan` with notes on the weights that it starts from, if they are on this machine.

    Raises RequestError for weights that do not fit.
    """
    pixels = plan.config.arch.pixels
    config, notes = initial_weights(plan.config, tensors(plan.spec, (pixels, pixels)))
    return replace(plan, config=config, identity=identity(config), weights=notes)


def frozen_plan(config: Config, data: Index) -> Plan:
    """The plan of a run from what its folder holds: reads no data, and trusts settings that `plan` has checked."""
    spec = config.arch.spec(len(data.classes))
    clock = Clock.over(data.n_train, config.train.batch_size, config.train.epochs)
    return Plan(
        config=config,
        identity=identity(config),
        spec=spec,
        cost=cost_on_input(config, spec),
        data=data,
        clock=clock,
        schedule=config.schedule.schedule(config.train.batch_size, clock),
    )
