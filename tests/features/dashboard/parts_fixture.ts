/** The parts that a dashboard's page reads and changes, with a real store. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { loadConfig } from "../../../src/config/load.ts";
import type { DashboardParts } from "../../../src/features/dashboard/base/page.ts";
import type { Claim } from "../../../src/core/inbound/inbox.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { BUILD } from "../../support/bot/health.ts";
import { ACCOUNT, guildMessage, messageId } from "../../support/discord/builders.ts";
import { openFilled } from "../../support/store/open_database.ts";
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
 * Runs a test with the parts of a bot that works at its first message.
 *
 * @param config The text of its config file; by default it has none.
 */
export async function withParts(
  test: (parts: DashboardParts, claim: Claim) => Promise<void>,
  config?: string,
): Promise<void> {
  using directory = tempDirectory();
  const now = Date.now();
  const store = openFilled(join(directory.path, DATABASE_NAME), { now, elapsed: () => 0 });
  const loaded = await load(config);
  try {
    const message = guildMessage({ id: messageId("101"), text: "hello" });
    await store.inbox.acceptBatch(batch({ accountId: ACCOUNT, judged: [accepted(message)] }), now);
    const claim = await store.inbox.claimNext(ACCOUNT, now, []);
    assert.ok(claim);
    await test({
      store,
      dataDir: directory.path,
      env: {},
      now: () => now,
      build: BUILD,
      setup: () => ({ config: loaded.config, accounts: new Map() }),
      clean: (text: string) => text,
      bot: { snapshot: () => ({}) },
    } as unknown as DashboardParts, claim);
  } finally {
    store.close();
  }
}
