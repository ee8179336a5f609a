"""`apollo-dse transfer`: a search that learns from earlier ones."""

from typing import Annotated

from cyclopts import Parameter

from apollo_dse.cli.arguments import asked
from apollo_dse.cli.beside import Cold
from apollo_dse.cli.options import (
    KEPT,
    WANTED,
    KeptOptions,
    MethodOption,
    MinimizeOption,
    SeedOption,
    TrialsOption,
    WantedOptions,
    WholeNumber,
)
from apollo_dse.cli.searching import search


def transfer(  # noqa: PLR0913 - one parameter an option
    *,
    to: Annotated[
        list[str] | None,
        Parameter(
            help="The network to design for: of the zoo, or a traced .json, or an .onnx; repeat it for several."
        ),
    ] = None,
    from_: Annotated[
        list[str] | None,
        Parameter(
            name="--from",
            help="A study of the store (NAME, or NAME@200 for its first 200 trials), or prior:NAME of the "
            "library; repeat it for several.",
        ),
    ] = None,
    method: MethodOption = None,
    wanted: WantedOptions = WANTED,
    trials: TrialsOption = 100,
    batch: Annotated[WholeNumber | None, Parameter(help="Designs a round; 4 if absent.")] = None,
    seed: SeedOption = None,
    minimize: MinimizeOption = None,
    ablate: Annotated[bool, Parameter(help="Search without priors as well, and show both curves.")] = False,
    kept: KeptOptions = KEPT,
) -> None:
    r"""Search a design space with what was learned from earlier searches.

    Sources may be of other networks, limits, technologies and spaces; parameters are matched by name.

    Examples:
      apollo-dse transfer --to resnet18 --from resnet50-study --constraint 'area<=5'
      apollo-dse transfer --to mobilenet_v2 --from a --from prior:lab --trials 50 \
        --constraint 'area<=2' --ablate --study b
    """
    given = asked(
        workloads=to, sources=from_, method=method, **wanted.fields, batch=batch, seed=seed, minimize=minimize,
    )  # fmt: skip
    if not kept.resume:
        given.setdefault("batch", 4)
    search(
        given,
        kept,
        trials=trials,
        ablate=Cold.run if ablate else None,
        command="transfer",
        missing="--to must be given: a network of the zoo, or a traced FILE.json",
    )
