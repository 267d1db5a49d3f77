/**
 * Bench: Discord closes the connection with 4000; the time until the session is resumed.
 *
 * Barnacle waits 0.1 s or longer before it connects again [G4]. Time on the wire begins after that
 * wait, with the request for the new connection, and ends with RESUME.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, openStand } from "../stand/stand.ts";
import { quantile, type Readings } from "../stand/stats.ts";

const KICKS = 3;
const SETTLE_MS = 2_000;
const CLOSE_CODE = 4_000;

export async function benchResume(contender: Contender): Promise<Readings> {
  const stand = openStand(contender, { isResumable: true });
  const { discord } = stand;
  const wireMs: number[] = [];
  const wholeMs: number[] = [];
  let identifies = 0;
  try {
    await stand.start();
    for (let kick = 0; kick < KICKS; kick++) {
      await sleep(SETTLE_MS);
      const known = discord.openings();
      const droppedAt = performance.now();
      discord.drop(CLOSE_CODE);
      await stand.until("the session to be back", () => discord.openings() > known);
      const { kind, connectedAt, at } = discord.opened[known] ??
        { kind: "identify", connectedAt: NaN, at: NaN };
      if (kind === "identify") identifies += 1;
      wireMs.push(at - connectedAt);
      wholeMs.push(at - droppedAt);
    }
    return {
      resumeWireMs: quantile(wireMs, 0.5),
      resumeWholeMs: quantile(wholeMs, 0.5),
      resumeIdentifies: identifies,
    };
  } finally {
    await stand.close();
  }
}
