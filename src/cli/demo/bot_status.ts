/**
 * Asks the bot for its status, as `barnacle status` does, for the card on the page.
 *
 * @module
 */

import { join } from "node:path";
import { z } from "zod";
import { boundedGet } from "../../host/bounded_get.ts";
import { readHolder } from "../../host/locks/lock.ts";
import { schedule } from "../../lib/clock.ts";
import type { Figure } from "../../../simulator/page/bot_panel.ts";

/** Figures from the bot's status. */
export interface BotStatus {
  /** Whether the gateway session is ready. */
  readonly isReady: boolean;
  /** State of the gateway connection. */
  readonly gateway: string;
  /** Figures for the card. */
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
    rssBytes: z.number(),
  }),
});

/**
 * Asks the bot.
 *
 * @returns `undefined` without an answer.
 */
export async function readBotStatus(dataDir: string): Promise<BotStatus | undefined> {
  const address = readHolder(join(dataDir, "lock"))?.http;
  if (address === undefined) return undefined;
  try {
    const got = await boundedGet(`http://${address}/status`, {}, {
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
  return {
    isReady: gateway === "ready",
    gateway,
    figures: [
      { name: "Gateway", value: gateway },
      {
        name: "Heartbeat",
        value: ack
          ? `${ack.latencyMs.toFixed(0)} ms, every ${ack.intervalMs / 1_000} s`
          : "none yet",
      },
      {
        name: "Stored up to",
        value: first?.seqCommitted ? `event ${first.seqCommitted}` : "nothing",
      },
      { name: "Waiting for answers", value: String(inbox.waiting + inbox.running) },
      { name: "Waiting to be sent", value: String(outbox.pending + outbox.sending) },
      { name: "Memory", value: `${Math.round(rssBytes / 1024 / 1024)} MiB` },
    ],
  };
}
