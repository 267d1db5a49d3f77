/** Bench: an idle bot in 100 guilds, each with 100 channels and 100 members. */

import { setTimeout as sleep } from "node:timers/promises";
import { memoryOf } from "../stand/proc.ts";
import { type Contender, openStand } from "../stand/stand.ts";
import type { Readings } from "../stand/stats.ts";

const SIZE = { guilds: 100, channels: 100, members: 100 };
const REST_MS = 10_000;

export async function benchLarge(contender: Contender): Promise<Readings> {
  const stand = openStand(contender, { size: SIZE });
  try {
    const { pid } = await stand.start();
    stand.ask("general");
    await stand.posts(1);
    await sleep(REST_MS);
    const { rssMib, privateDirtyMib } = memoryOf(pid);
    return { largeRssMib: rssMib, largeDirtyMib: privateDirtyMib };
  } finally {
    await stand.close();
  }
}
