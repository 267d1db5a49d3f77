/** Reads the status of the demo's bot over HTTP, with the key of its lock file. */

import { z } from "zod";
import { schedule } from "../../../lib/clock.ts";
import { sizeOf } from "../../../lib/text/units.ts";
import { boundedGet } from "../../../host/bounded_get.ts";
import { ownServer } from "../../../cli/shared/running_bot.ts";
import type { Figure } from "../../../../simulator/page/bot_panel.ts";

export interface BotStatus {
  readonly isReady: boolean;
  readonly gateway: string;
  /** Messages that Discord has not confirmed yet. */
  readonly unsent: number;
  readonly figures: readonly Figure[];
}

/** Milliseconds to wait for an answer. */
const TIMEOUT_MS = 900;

/** Largest answer in bytes; that of a bot in a hundred guilds has a tenth of it. */
const MAX_BYTES = 1_024 * 1_024;

const queue = z.object({ waiting: z.number(), running: z.number() });
const outbox = z.object({ pending: z.number(), sending: z.number(), uncertain: z.number() });
const shard = z.object({
  state: z.string(),
  seqCommitted: z.number().optional(),
  ack: z.object({ intervalMs: z.number(), latencyMs: z.number() }).optional(),
});
const reportSchema = z.object({
  snapshot: z.object({
    accounts: z.array(z.object({ shards: z.array(shard) })),
    inbox: queue,
    outbox,
    rssBytes: z.number().default(0),
  }),
});

/** Asks the bot. Returns `undefined` without an answer. */
export async function readBotStatus(dataDir: string): Promise<BotStatus | undefined> {
  const server = ownServer(dataDir);
  if (!server) return undefined;
  const headers = { authorization: `Bearer ${server.key}` };
  try {
    const got = await boundedGet(`http://${server.address}/status`, headers, {
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      schedule,
    });
    if (typeof got === "string") return undefined;
    const report = reportSchema.safeParse(JSON.parse(got.text));
    return report.success ? toBotStatus(report.data) : undefined;
  } catch {
    return undefined; // starting, or down: the card shows it
  }
}

function toBotStatus({ snapshot }: z.infer<typeof reportSchema>): BotStatus {
  const { accounts: [account], inbox, outbox, rssBytes } = snapshot;
  const first = account?.shards[0];
  const gateway = first?.state ?? "none";
  const ack = first?.ack;
  const unsent = outbox.pending + outbox.sending;
  return {
    isReady: gateway === "ready",
    gateway,
    unsent,
    figures: [
      { name: "Gateway", value: gateway },
      {
        name: "Heartbeat",
        value: ack
          ? `${ack.latencyMs.toFixed(0)} ms, every ${ack.intervalMs / 1_000} s`
          : "none yet",
      },
      {
        name: "Events on the disk",
        value: String(first?.seqCommitted ?? 0),
      },
      { name: "Waiting for answers", value: String(inbox.waiting + inbox.running) },
      { name: "Waiting to be sent", value: String(unsent) },
      { name: "Memory", value: sizeOf(rssBytes) },
    ],
  };
}
