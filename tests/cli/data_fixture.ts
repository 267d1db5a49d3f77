/** A data directory with a store in it and a config beside it, as a command finds them. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { policiesIn } from "../../src/config/access.ts";
import { commandIn } from "../../src/core/inbound/inbound.ts";
import type { InboundMessage } from "../../src/core/inbound/inbound.ts";
import type { Judged, KnownFacts } from "../../src/core/inbound/inbox.ts";
import type { ResolvedName } from "../../src/core/names.ts";
import { snapshotOf } from "../../src/discord/gateway/decode/guild_index.ts";
import { DATABASE_NAME } from "../../src/host/files/data_dir.ts";
import { prepareAdmission } from "../../src/policy/admission.ts";
import { withNames } from "../../src/policy/rules.ts";
import type { Store } from "../../src/store/store.ts";
import { TEXT_COMMANDS } from "../../src/interactions/registry.ts";
import { ACCOUNT, channelId, guildId, roleId } from "../support/discord/builders.ts";
import { openFilled } from "../support/store/open_database.ts";
import { batch, ROUTE } from "../support/store/store.ts";

/** The guild of the builders, with #help, #random and two roles. */
export const GUILD = guildId("1400000000000000010");
export const HELP = channelId("1400000000000000011");
const RANDOM = channelId("1400000000000000012");
export const GUILD_SNAPSHOT = snapshotOf({
  id: GUILD,
  name: "Friends of Barnacle",
  channels: new Map([
    [HELP, { id: HELP, type: 0, name: "help" }],
    [RANDOM, { id: RANDOM, type: 0, name: "random" }],
  ]),
  roles: new Map([
    [roleId("1400000000000000030"), "Crew"],
    [roleId("1400000000000000031"), "Guest"],
    [roleId("1400000000000000033"), "Twin"],
    [roleId("1400000000000000034"), "Twin"],
  ]),
  ownRole: roleId("1400000000000000032"),
});

export type DataFixture = ReturnType<typeof createDataFixture>;

const NOW = Date.now();
const open: string[] = [];

/** Removes what {@link createDataFixture} made; for `afterEach`. */
export function removeDataFixtures(): void {
  for (const directory of open.splice(0)) rmSync(directory, { recursive: true });
}

export function createDataFixture(config: object | string = {}) {
  const data = mkdtempSync(join(tmpdir(), "barnacle-why-"));
  open.push(data);
  const file = join(data, "config.jsonc");
  const fixture = {
    data,
    config: file,
    /** Flags as every command takes them. */
    flags: { data, config: file, json: false },
    /** Writes the config, on one line for each line of the text. */
    write(config: object | string): void {
      const text = typeof config === "string" ? config : JSON.stringify(config, undefined, 2);
      writeFileSync(file, text, { mode: 0o600 });
    },
    text: () => readFileSync(file, "utf8"),
    /** Works on the store, and closes it: a command opens it itself. */
    async fill<T>(work: (store: Store) => Promise<T>): Promise<T> {
      const store = openFilled(join(data, DATABASE_NAME), { now: NOW, elapsed: () => 0 });
      try {
        return await work(store);
      } finally {
        store.close();
      }
    },
    /** Judges a message as the bot would, by the config of this moment, and stores that. */
    async receive(message: InboundMessage, knownFacts: KnownFacts = {}): Promise<Judged> {
      const judged = await judge(fixture, message, knownFacts);
      await fixture.fill((store) =>
        store.inbox.acceptBatch(batch({ accountId: message.accountId, judged: [judged] }), NOW)
      );
      return judged;
    },
  };
  fixture.write(config);
  return fixture;
}

async function judge(
  fixture: DataFixture,
  message: InboundMessage,
  knownFacts: KnownFacts,
): Promise<Judged> {
  const { config: file } = fixture;
  const loaded = await loadConfig({ file, text: fixture.text() }, {
    env: {},
    readFile: () => Promise.resolve(undefined),
  });
  if (loaded.kind === "refused") throw new Error(JSON.stringify(loaded.problems));
  const names: readonly ResolvedName[] = await fixture.fill((store) =>
    store.pairing.namesOf(ACCOUNT)
  );
  const text = loaded.text ?? "";
  const policy = (await policiesIn(text, file)).find(({ accountId }) =>
    accountId === message.accountId
  );
  if (!policy) throw new Error(`The config has no account ${message.accountId}`);
  const verdict = prepareAdmission(withNames(policy.access, names), TEXT_COMMANDS)(
    message,
    knownFacts,
  );
  const policyId = await fixture.fill((store) =>
    store.messages.savePolicy({ accountId: message.accountId, hash: text, file, text, names }, NOW)
  );
  const command = commandIn(message, TEXT_COMMANDS)?.name;
  return { message, verdict, knownFacts, policyId, route: ROUTE, ...(command && { command }) };
}
