"""What is still to be checked before the newest version can be sent."""

import argparse
import contextlib
from collections.abc import Sequence
from contextlib import closing

from generator.errors import CampaignError, RerollError
from series import options, overview
from series.checks import requirement, runner
from series.checks.configured import configured
from series.checks.kinds import Ground
from series.overview import Overview
from series.settings import Settings
from series.version import Version


def lacking_checks(args: argparse.Namespace, found: Overview) -> dict[str, str]:
    """The required checks that the newest version has not passed, and that sending will not make.

    Sending makes quick ones by itself; one that takes minutes has to be run before, where it can.
    """
    if found.newest is None or found.newest.source == "mails":
        return {}
    from generator.campaign import load

    try:
        campaign = load(options.folder_of(args))
    except CampaignError:  # sending says what is wrong with it
        campaign = None
    settings = options.settings_of(args, campaign)
    wanted = requirement.required(settings)
    said = {name: why for name in wanted.names if (why := found.checks.get(name))}
    if not wanted.named:
        said = {name: why for name, why in said.items() if why != overview.NOT_RUN}
    unseen = [name for name in wanted.names if name in runner.SLOW and name not in found.checks]
    if unseen and not wanted.named and settings.tree:
        unseen = _able(args, found.newest, settings, unseen)
    elif not wanted.named:
        unseen = []
    return said | dict.fromkeys(unseen, "was not run")


def _able(
    args: argparse.Namespace, version: Version, settings: Settings, names: Sequence[str]
) -> list[str]:
    """Those of the checks called ``names`` that can run here."""
    with contextlib.suppress(RerollError), closing(options.tree_of(args, settings)) as tree:
        ground = Ground(options.folder_of(args), version, tree, settings, options=configured(tree))
        return [name for name in names if not runner.obstacle(name, ground)]
    return []
