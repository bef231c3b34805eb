# SPDX-License-Identifier: Apache-2.0
"""Who may stay connected: whoever asks for something, before whoever only occupies a place.

A connection is a visit until it becomes a page by a websocket; both have places of their own, so that neither open pages nor
half-open connections keep a stop out. Where the places of visits are taken, the newest comes in and the oldest that has not
finished asking goes, out of the address that has most of them. A request that is being answered, and a page that holds the
watch, never have to go.
"""

import ipaddress
import time
from collections.abc import Callable

LOOPBACK = 'this computer'
IPV6_SITE_BITS = 64  # a computer has a whole network of so long a prefix


def address_group(address: str) -> str:
    """Return what counts as one visitor: an IPv4 address, a network of IPv6, or this computer."""
    try:
        parsed = ipaddress.ip_address(address.partition('%')[0])
    except ValueError:
        return address
    parsed = (parsed.ipv4_mapped or parsed) if isinstance(parsed, ipaddress.IPv6Address) else parsed
    if parsed.is_loopback:
        return LOOPBACK
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network((parsed, IPV6_SITE_BITS), strict=False))


class Visitor:
    """One connection: what it is doing, and until when it may.

    Attributes:
        group: Where it comes from.
        cut: Ends the connection at once; None while it passes from one hand to another.
        holds_watch: Whether it is a page that holds the watch.
        deadlines_s: When it is cut off, by what for, on the clock of its places [s].
    """

    def __init__(self, places: 'Places', group: str) -> None:
        self._places, self.group = places, group
        self.cut: Callable[[], None] | None = None
        self.holds_watch = self.ended = False
        self.deadlines_s: dict[str, float] = {}

    def allow(self, what: str, for_s: float) -> None:
        """Cut the connection off after so long [s], unless this is called again."""
        self.deadlines_s[what] = self._places.clock() + for_s

    def forgive(self, what: str) -> None:
        """Take a deadline back."""
        self.deadlines_s.pop(what, None)

    def wait(self) -> None:
        """Say that it has not finished asking: it may have to go."""
        self._places.move(self, self._places.waiting)

    def work(self) -> None:
        """Say that it is being answered, and does not have to go before a deadline."""
        self._places.move(self, self._places.working)

    def sit_down(self, kept: bool) -> bool:
        """Make it a page; `kept`: one of the places kept for the watch will do. Return whether there was a place."""
        return self._places.sit_down(self, kept)

    def leave(self) -> None:
        """Say that the connection is gone."""
        self._places.move(self, None)

    def end(self) -> None:
        """Cut the connection off, whatever there is still to be sent: a reader that does not read would keep it."""
        self.ended = True
        self._places.move(self, None)
        if self.cut is not None:
            self.cut()


class Room:
    """Visitors by group, the oldest first."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[Visitor, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, visitor: Visitor) -> None:
        """Take a visitor in."""
        self._groups.setdefault(visitor.group, {})[visitor] = None
        self._count += 1

    def remove(self, visitor: Visitor) -> None:
        """Let a visitor out."""
        group = self._groups[visitor.group]
        del group[visitor]
        self._count -= 1
        if not group:
            del self._groups[visitor.group]

    def size(self, group: str) -> int:
        """Return how many of a group there are."""
        return len(self._groups.get(group, ()))

    def oldest_of_most(self) -> Visitor | None:
        """Return the oldest visitor of the largest group, of those that do not hold the watch."""
        groups = sorted(self._groups.values(), key=len, reverse=True)
        return next((visitor for group in groups for visitor in group if not visitor.holds_watch), None)


class Places:
    """The places of visits and pages. Use it in one thread.

    Args:
        visits: How many connections there may be that are no pages.
        pages: How many pages.
        kept: How many of the places of pages are kept for those that held the watch and come back.
        clock: a steady clock [s].
    """

    def __init__(self, visits: int, pages: int, kept: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._visits, self._pages, self._kept, self.clock = visits, pages, kept, clock
        self.waiting, self.working, self.sitting = Room(), Room(), Room()
        self._rooms: dict[Visitor, Room] = {}

    def enter(self, group: str) -> Visitor | None:
        """Return the visitor that a new connection is; None where everybody else is being answered."""
        if len(self.waiting) + len(self.working) >= self._visits:
            oldest = self.waiting.oldest_of_most()
            if oldest is None:
                return None
            oldest.end()
        visitor = Visitor(self, group)
        self.move(visitor, self.waiting)
        return visitor

    def sit_down(self, visitor: Visitor, kept: bool) -> bool:
        """Make a visitor a page. Where all places are taken, whoever has many of them gives one to whoever has few."""
        if len(self.sitting) >= self._pages - (0 if kept else self._kept):
            oldest = self.sitting.oldest_of_most()
            # by two, so that those two do not drive one another out again and again
            if oldest is None or self.sitting.size(oldest.group) < self.sitting.size(visitor.group) + 2:
                return False
            oldest.end()
        self.move(visitor, self.sitting)
        return True

    def move(self, visitor: Visitor, room: Room | None) -> None:
        """Put a visitor into a room, or out."""
        before = self._rooms.pop(visitor, None)
        if before is not None:
            before.remove(visitor)
        if room is not None and not visitor.ended:
            room.add(visitor)
            self._rooms[visitor] = room

    def sweep(self) -> int:
        """Cut off whoever is past the deadline; return how many."""
        now_s = self.clock()
        late = [visitor for visitor in self._rooms if min(visitor.deadlines_s.values(), default=now_s) < now_s]
        for visitor in late:
            visitor.end()
        return len(late)

    def empty(self) -> None:
        """Cut everybody off."""
        for visitor in list(self._rooms):
            visitor.end()
