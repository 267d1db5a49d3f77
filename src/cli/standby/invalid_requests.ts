/**
 * Counts the requests that Discord holds against an address over all processes of a bot (O16).
 *
 * Discord bans an address, not a token. Which processes share an outgoing one is not known here, so all
 * count as if they did. Each look sends the new ones of this process and reads those of all: a reply
 * costs no round trip.
 */

import {
  INVALID_WINDOW_MS,
  type InvalidElsewhere,
  minuteOf,
  type PartitionMinute,
} from "../../core/discord/invalid_requests.ts";
import type { FleetMember, Meeting } from "../../store/replica/members.ts";
import type { Remote } from "../../store/replica/remote.ts";

/** Creates it. */
export function createFleetInvalid(remote: Pick<Remote, "meet">) {
  let known: readonly PartitionMinute[] = [];
  let unsent: readonly PartitionMinute[] = [];
  return {
    /** Renews the row of this process, and reads the rows of all, as {@link Remote.meet} does. */
    async meet(self: FleetMember): Promise<Meeting> {
      const sent = unsent;
      unsent = [];
      try {
        const meeting = await remote.meet(self, sent);
        known = meeting.invalid;
        return meeting;
      } catch (error) {
        unsent = [...sent, ...unsent]; // counted twice at worst
        throw error;
      }
    },
    /** The requests of all partitions but one, for the breaker of that one. */
    of: (own: number): InvalidElsewhere => ({
      count(now) {
        const [from, to] = [minuteOf(now - INVALID_WINDOW_MS), minuteOf(now)];
        return [...known, ...unsent].filter(({ partition, minute }) =>
          partition !== own && minute >= from && minute <= to
        ).reduce((sum, { count }) => sum + count, 0);
      },
      note(minute) {
        const same = unsent.find((one) => one.partition === own && one.minute === minute);
        const count = (same?.count ?? 0) + 1;
        unsent = [...unsent.filter((one) => one !== same), { partition: own, minute, count }];
      },
    }),
  };
}
