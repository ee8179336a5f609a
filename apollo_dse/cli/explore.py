"""`apollo-dse explore`: search a space of designs, keep every trial, say which design to build."""

from typing import Annotated, Literal

from cyclopts import Parameter

from apollo_dse.cli.arguments import asked, engine_of, sources_of
from apollo_dse.cli.options import (
    KEPT,
    WANTED,
    AsynchronousOption,
    ChunkOption,
    EngineOption,
    EvaluatorOption,
    FailuresOption,
    KeptOptions,
    MethodOption,
    MinimizeOption,
    RayAddressOption,
    SeedOption,
    TransferOptions,
    TrialsOption,
    WantedOptions,
    WholeNumber,
    WorkersOption,
    WorkloadOptions,
)
from apollo_dse.cli.searching import search


def explore(  # noqa: PLR0913 - one parameter an option
    *,
    workload: WorkloadOptions = None,
    wanted: WantedOptions = WANTED,
    evaluator: EvaluatorOption = None,
    engine: EngineOption = None,
    workers: WorkersOption = None,
    ray_address: RayAddressOption = None,
    chunk: ChunkOption = None,
    asynchronous: AsynchronousOption = False,
    failures: FailuresOption = None,
    optimizer: Annotated[
        str | None, Parameter(help="Who searches, such as bayesian or evolution; portfolio if absent.")
    ] = None,
    trials: TrialsOption = 200,
    batch: Annotated[WholeNumber | None, Parameter(help="Designs a round; 16 if absent.")] = None,
    seed: SeedOption = None,
    minimize: MinimizeOption = None,
    transfer: TransferOptions = None,
    prior: Annotated[
        Literal["analytical"] | None,
        Parameter(help="Of an --evaluator that is slow: begin with what the built-in model predicts."),
    ] = None,
    method: MethodOption = None,
    kept: KeptOptions = KEPT,
) -> None:
    r"""Search a design space for the best accelerator.

    Every trial is kept in the store. Ctrl-C finishes and saves what is being measured, and stops; twice: at
    once. With --evaluator, metrics are the evaluator's own; a search ends with exit code 3 when its runs do
    nothing but fail.

    Examples:
      apollo-dse explore --workload mobilenet_v2 --constraint 'area<=20' --study a
      apollo-dse explore --study a --resume --trials 1000
      apollo-dse explore --workload a.json --workload b.json --objective latency \
        --objective energy --constraint 'power<=2W' --json
      apollo-dse explore --evaluator sim.yaml --space own.yaml --objective cycles \
        --workers 4 --asynchronous
      apollo-dse explore --evaluator sim.yaml --workload resnet50 --prior analytical
    """
    given = asked(
        workloads=workload, **wanted.fields, optimizer=optimizer, batch=batch, seed=seed, minimize=minimize,
        sources=sources_of(transfer, prior, evaluator),
        method=method or (prior and not optimizer and "predicted"), evaluator=evaluator,
        asynchronous=asynchronous or None,
    )  # fmt: skip
    search(
        given, kept, trials=trials,
        engine=engine_of(engine, workers, ray_address, chunk), failures=failures,
    )  # fmt: skip
