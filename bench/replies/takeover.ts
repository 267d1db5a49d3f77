/**
 * Bench: a standby takes over a bot that is killed (O15), with 10,000 guilds and 1,000 questions whose
 * turns are open: the model hangs, so as many of them run as may, and all others wait.
 *
 * All times begin when the lease of the killed process ends, by PostgreSQL's clock.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type BenchDatabase, type Owned, withDatabases } from "../stand/database.ts";
import { type Contender, openStand } from "../stand/stand.ts";
import type { Readings } from "../stand/stats.ts";
import { sharing } from "./standby.ts";

const OPEN = 1_000;
const GUILDS = 10_000;
/** Channels and members of a guild without questions. */
const SIZE = { channels: 3, members: 3 };
/** Longer than the bot needs to store guilds or questions, and its standby to copy them. */
const SETTLE_MS = 10_000;
const LOOK_MS = 50;
/** For a first copy, and for a takeover. */
const PATIENCE_MS = 180_000;

export function benchTakeover(contender: Contender, isQuick: boolean): Promise<Readings> {
  return withDatabases((create) => measureTakeover(contender, create(), isQuick ? 10 : 1));
}

/** @param part The part of the guilds and questions that it has. */
async function measureTakeover(
  contender: Contender,
  database: BenchDatabase,
  part: number,
): Promise<Readings> {
  const open = OPEN / part;
  const stand = openStand(sharing(contender, database), {
    homes: open,
    rooms: 1,
    size: { guilds: GUILDS / part - open, ...SIZE },
    isResumable: true,
  });
  const { discord, model } = stand;
  try {
    const owner = stand.beside("owner");
    await stand.until("the owner to be online", () => (owner.assertRuns(), discord.isOnline()));
    await sleep(SETTLE_MS);
    const standby = stand.beside("standby");
    await until("a whole copy", async () => (standby.assertRuns(), await database.copies(10) > 0));
    model.hang();
    stand.forget();
    stand.channels.forEach(stand.ask);
    await stand.until("the first turns", () => model.askedAt.length > 0);
    await sleep(SETTLE_MS);

    const running = model.askedAt.length;
    const known = discord.openings();
    model.recover();
    stand.forget();
    owner.assertRuns(); // a starved process may have lost its lease by itself
    const killedAt = performance.now();
    owner.kill();
    const [last] = await database.owners();
    const freeAt = last ? last.at + last.endsInMs : NaN;
    let taken: Owned | undefined;
    await until("a new owner", async () => {
      standby.assertRuns();
      taken = (await database.owners()).find(({ place }) => place !== last?.place);
      return taken !== undefined;
    });
    await stand.until("a session", () => discord.openings() > known);
    await stand.posts(1);
    await stand.posts(open);
    const { kind, at: sessionAt } = discord.opened[known] ?? { kind: undefined, at: NaN };
    const since = (at: number): number => (at - freeAt) / 1_000;
    return {
      takeoverRunning: running,
      takeoverLeaseSec: (freeAt - killedAt) / 1_000,
      takeoverOwnerSec: since(taken ? taken.at - taken.ownedForMs : NaN),
      takeoverSessionSec: since(sessionAt),
      takeoverIdentifies: kind === "resume" ? 0 : 1,
      takeoverAskedSec: since(model.askedAt.find((at) => at > freeAt) ?? NaN),
      takeoverFirstSec: since(stand.postedAt[0] ?? NaN),
      takeoverLastSec: since(stand.postedAt[open - 1] ?? NaN),
    };
  } finally {
    await stand.close();
  }
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!await check()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(LOOK_MS);
  }
}
