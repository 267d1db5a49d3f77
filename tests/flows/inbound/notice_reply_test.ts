/** Tests the limits of waiting turns by the way in which messages arrive. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageOrigin } from "../../../src/core/inbound/waiting_limits.ts";
import { limitsOf } from "../../../src/flows/inbound/notice_reply.ts";

const QUEUE = { perUser: 3, perChannel: 8, turnsPerChannel: 3 };
const ON = { enabled: true, maxPerChannel: 100 };

const RULE = "channels.discord.gateway.catchUp.maxPerChannel";

/** The origin of messages, the limits of a person and of a channel, and the latter's config path. */
const TABLE: readonly [string, MessageOrigin, typeof ON, number, number, string?][] = [
  ["as they are written", "live", ON, 3, 8],
  ["from a channel's history, which has limits of its own", "history", ON, Infinity, Infinity],
  ["by a RESUME, with the limit of a history", "replayed", ON, Infinity, 100, RULE],
  ["by a RESUME, if the queue takes more", "replayed", { ...ON, maxPerChannel: 5 }, Infinity, 8],
  ["by a RESUME without catch-up", "replayed", { ...ON, enabled: false }, 3, 8],
];

describe("[X4] [G6] limitsOf()", () => {
  for (const [what, origin, catchUp, perUser, perChannel, channelRule] of TABLE) {
    it(what, () => {
      const limits = limitsOf(origin, QUEUE, catchUp);
      const rule = channelRule === undefined ? {} : { channelRule };
      const share = perUser === Infinity ? { share: Infinity } : {};
      assert.deepEqual(limits, { perUser, perChannel, turnsPerChannel: 3, ...share, ...rule });
    });
  }
});
