/**
 * Another process at the same store, as `barnacle send` is. It adds a number of messages to the
 * outbox, and leaves other processes time to do the same. SQLite is not fair: a process that never
 * pauses can keep others out for longer than they wait.
 *
 * @module
 */

import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { channelId, outboundMessage } from "../discord/builders.ts";
import { openStore } from "../../../src/store/store.ts";

const [path = "", name = "", count = "0"] = process.argv.slice(2);
const now = 1_000;
const store = openStore(path, { now, elapsed: () => 0 });
for (let index = 0; index < Number(count); index++) {
  const message = outboundMessage({
    nonce: index % 2 === 0 ? "" : `shared-${index}`, // of those, both processes have the same
    channelId: channelId(name === "bot" ? "1" : "2"),
    content: `${name} ${index}`,
  });
  await store.outbox.add({ message, files: [] }, now);
  await setTimeout(1);
}
store.close();
