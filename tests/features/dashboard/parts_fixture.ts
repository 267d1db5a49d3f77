/** The running process that a dashboard reads and changes, with a real store. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { loadConfig } from "../../../src/config/load.ts";
import type { Served } from "../../../src/cli/run/served_parts.ts";
import type { Claim } from "../../../src/core/inbound/inbox.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { BUILD, HEALTHY } from "../../support/bot/health.ts";
import { ACCOUNT, guildMessage, messageId } from "../../support/discord/builders.ts";
import { openFilled } from "../../support/store/open_database.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { accepted, batch } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** Loaded configs by their text: reading one takes longer than most tests. */
const configs = new Map<string | undefined, ReturnType<typeof loadConfig>>();

async function load(text: string | undefined) {
  const source = text === undefined ? undefined : { file: "config.jsonc", text };
  const loading = configs.get(text) ??
    loadConfig(source, { env: {}, readFile: () => Promise.resolve(undefined) });
  configs.set(text, loading);
  const loaded = await loading;
  assert.ok(loaded.kind === "loaded");
  return loaded;
}

/**
 * Runs a test with a bot that works at its first message.
 *
 * @param config The text of its config file; by default it has none.
 */
export async function withServed(
  test: (
    served: Served,
    more: Pick<ReturnType<typeof recordingLog>, "lines"> & { readonly claim: Claim; now: number },
  ) => Promise<void>,
  config?: string,
): Promise<void> {
  using directory = tempDirectory();
  const now = Date.now();
  const store = openFilled(join(directory.path, DATABASE_NAME), { now, elapsed: () => 0 });
  const loaded = await load(config);
  const { log, lines } = recordingLog();
  try {
    const message = guildMessage({ id: messageId("101"), text: "hello" });
    await store.inbox.acceptBatch(batch({ accountId: ACCOUNT, judged: [accepted(message)] }), now);
    const claim = await store.inbox.claimNext(ACCOUNT, now, []);
    assert.ok(claim);
    const served = {
      ...{ store, build: BUILD, dataDir: directory.path, env: {} },
      setup: { config: loaded.config, accounts: new Map() },
      logging: { clean: (text: string) => text, forPart: () => log },
      bot: { snapshot: () => HEALTHY, async refresh() {}, pageMade() {} },
    };
    await test(served as unknown as Served, { lines, claim, now });
  } finally {
    store.close();
  }
}
