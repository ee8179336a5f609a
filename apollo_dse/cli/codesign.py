"""`apollo-dse codesign`: search designs and networks together."""

from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from apollo_dse.cli.arguments import asked
from apollo_dse.cli.beside import Arms
from apollo_dse.cli.errors import UserError, user_input
from apollo_dse.cli.options import (
    KEPT,
    WANTED,
    KeptOptions,
    MethodOption,
    MinimizeOption,
    SeedOption,
    TransferOptions,
    WantedOptions,
    WholeNumber,
)
from apollo_dse.cli.searching import search


def codesign(  # noqa: PLR0913 - one parameter an option
    *,
    network_space: Annotated[
        str | None, Parameter(help="The networks to choose from, such as nb201, mnasnet or mobile.")
    ] = None,
    accuracy: Annotated[
        str | None,
        Parameter(
            help="Who says how good a network is: table:FILE or surrogate:FILE of trained networks "
            "(FILE#COLUMN for another column), supernet[:DATASET], training[:DATASET], proxy:NAME."
        ),
    ] = None,
    wanted: WantedOptions = WANTED,
    optimizer: Annotated[
        str | None, Parameter(help="Who searches, such as nsga2 or evolution; portfolio if absent.")
    ] = None,
    trials: Annotated[WholeNumber, Parameter(help="Pairs to price, a resumed study's included.")] = 200,
    batch: Annotated[WholeNumber | None, Parameter(help="Pairs a round; 16 if absent.")] = None,
    seed: SeedOption = None,
    minimize: MinimizeOption = None,
    transfer: TransferOptions = None,
    method: MethodOption = None,
    ablation: Annotated[
        bool,
        Parameter(
            negative="--no-ablation",
            help="Also search designs alone, networks alone, one after the other, with as many trials each.",
        ),
    ] = True,
    kept: KeptOptions = KEPT,
) -> None:
    r"""Search a space of designs and a space of networks together, mappings solved inside.

    Objectives are accuracy and energy times delay if absent. Every trial is kept in the store.

    Examples:
      apollo-dse codesign --network-space nb201 --accuracy table:nb201.csv --constraint 'area<=20'
      apollo-dse codesign --network-space mnasnet --accuracy surrogate:anb.csv --objective edp \
        --constraint 'accuracy>=64%' --constraint 'area<=50' --trials 400 --study a
    """
    if (network_space is None) != (accuracy is None):
        raise UserError("--network-space and --accuracy go together: what networks there are, and how good")
    networks = None
    if network_space is not None and accuracy is not None:
        from apollo_dse.codesign.networks import Networks

        networks = Networks(network_space, accuracy)
        with user_input():
            networks.network_space  # noqa: B018 - a name that is wrong is said at once
        if not kept.resume and wanted.objective is None:
            wanted = replace(wanted, objective=["accuracy", "edp"])
    given = asked(
        networks=networks, **wanted.fields, optimizer=optimizer, batch=batch, seed=seed, minimize=minimize,
        sources=transfer, method=method,
    )  # fmt: skip
    search(
        given,
        kept,
        trials=trials,
        ablate=Arms.run if ablation else None,
        command="codesign",
        missing="--network-space and --accuracy must be given: what networks there are, and how good",
    )
