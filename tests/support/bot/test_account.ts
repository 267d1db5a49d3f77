/**
 * A whole account in the process of the test, as `bot/account` makes it, with the real store in
 * memory. A test replaces the model, Discord, clock and chance, and nothing else.
 */

import { dirname, join } from "node:path";
import { readSources } from "../../../scripts/import_graph.ts";
import { createAccount } from "../../../src/bot/account/account.ts";
import {
  applySetup,
  changedByCommand,
  completeAccount,
  type RunningAccount,
} from "../../../src/bot/account/running.ts";
import type { OwnSetup, Speech } from "../../../src/bot/rules/setup.ts";
import type { ProcessMedia } from "../../../src/bot/process_media.ts";
import type { ToolServices } from "../../../src/bot/process/tool_services.ts";
import type { Connection } from "../../../src/flows/connection/connection.ts";
import type { BotAccount } from "../../../src/account/account.ts";
import type { AccountId } from "../../../src/core/discord/ids.ts";
import type { OurView } from "../../../src/flows/judging/judge.ts";
import type { GuildSnapshot, Self } from "../../../src/core/inbound/inbound.ts";
import type { Model } from "../../../src/core/model.ts";
import { createInvalidRequests } from "../../../src/discord/rest/scheduler/rate_limiter.ts";
import type { VoiceIndex } from "../../../src/discord/gateway/read/voice_index.ts";
import { createReader } from "../../../src/discord/gateway/read/reader.ts";
import { jsonOf } from "../../../src/discord/rest/exchange/exchange.ts";
import type {
  RequestOptions,
  RestApi,
  RestClient,
} from "../../../src/discord/rest/client/client.ts";
import { take } from "../../../src/flows/inbound/accept.ts";
import type { Config } from "../../../src/config/config.ts";
import { loadTestConfig } from "../config.ts";
import { ACCOUNT, userId } from "../discord/builders.ts";
import { type Answer, type DiscordRequest, refused } from "../discord/answers.ts";
import { messageData } from "../discord/payloads.ts";
import { FakeClock } from "../fake_clock.ts";
import { NO_TOOLS } from "../model/tools.ts";
import { recordingLog } from "../recording_log.ts";
import { seeded } from "../seeded.ts";
import { settle } from "../settle.ts";
import { openTestStore } from "../store/store.ts";
import { mediaInMemory } from "./media.ts";
import { setupOf, testBot } from "./process.ts";
import { modelsOf } from "./models.ts";
import type { BotFeature } from "../../../src/account/features.ts";

export const OWNER = userId("900000000000000001");
export const SELF: Self = {
  userId: userId("900000000000000099"),
  applicationId: "900000000000000099" as Self["applicationId"],
  username: "barnacle",
};

/** Answers each request with one text, and keeps what it was asked. */
function speaking(says: (asked: string) => string | Promise<string>, asked: string[]): Model {
  return {
    id: "test/model",
    async *generate({ messages }) {
      const text = JSON.stringify(messages.at(-1));
      asked.push(text);
      yield { kind: "text", text: await says(text) };
      const usage = { inputTokens: 812, outputTokens: 20, micros: 600_000 };
      yield { kind: "finish", reason: "stop", usage };
    },
  };
}

/** Folders whose lazy imports a test may run into. */
const LATE = ["features", "flows", "interactions", "tools"];

/** Loads what an account loads at its first use: `quiet()` cannot wait for the disk. */
async function loadLate(): Promise<void> {
  const root = join(import.meta.dirname ?? "", "..", "..", "..");
  const folders = LATE.map((folder) => `src/${folder}`);
  const late = readSources(root, folders).flatMap(({ path, text }) =>
    path.endsWith("/cli_commands.ts") ? [] : Array.from( // of the command line
      text.matchAll(/await import\(\s*"([^"]+)"/g),
      ([, target = ""]) => target.startsWith(".") ? join(root, dirname(path), target) : target,
    )
  );
  const code = [...new Set(late)].filter((one) => !one.endsWith(".wasm"));
  await Promise.all(code.map((one) => import(one)));
}

await loadLate();

const configs = new Map<string, Promise<Config>>();

/** Reads a config once for each text: it takes longer than all the rest. */
function configFrom(discord: object, beside: object): Promise<Config> {
  const key = JSON.stringify([discord, beside]);
  const known = configs.get(key) ?? loadTestConfig(discord, beside);
  configs.set(key, known);
  return known;
}

export interface Given {
  /** Keys of `channels.discord`. */
  readonly discord?: object;
  /** Keys beside `channels`. */
  readonly beside?: object;
  readonly guilds?: readonly GuildSnapshot[];
  /** The text of the model's answer to what it was asked last. */
  readonly says?: (asked: string) => string | Promise<string>;
  /** Extras with a part of the account. */
  readonly features?: readonly BotFeature[];
  /** Tools, programs and files of agents; by default there are none. */
  readonly toolServices?: Partial<ToolServices>;
  /** Parts of the gateway's connection that a test looks at; the others do nothing. */
  readonly connection?: Partial<Connection>;
  /** A model that does more than answer with a text. */
  readonly model?: Model;
  /** Answers requests to Discord. By default, a history is empty, other reads are 404, and writes succeed. */
  readonly answer?: Answer;
  /** A clock that several accounts have. */
  readonly clock?: FakeClock;
  /** Takes the place of {@link Given.answer}: a client of a simulated Discord. */
  readonly api?: RestApi;
  readonly self?: Self;
  /** Files of people; by default none, and no document can be read. */
  readonly media?: ProcessMedia;
  /** Who is in voice channels; the test tells it, and connects with `voice` in the config. */
  readonly voiceIndex?: VoiceIndex;
  /** Hears and speaks; by default, no server does. */
  readonly speech?: Speech;
  /** The process before, which was killed: its store goes on. */
  readonly before?: ReturnType<typeof openTestStore>;
  /** By default, each random id is the same. */
  readonly randomId?: () => string;
}

export async function testAccount(
  { discord = {}, beside = {}, guilds = [], answer = () => undefined, ...more }: Given = {},
) {
  const asked: string[] = [];
  const { clock = new FakeClock(), says = () => "fine", model = speaking(says, asked) } = more;
  const { log, lines } = recordingLog();
  const { store, rows, database } = more.before ?? openTestStore();
  const configOf = (keys: object, others: object) =>
    configFrom(keys, { commands: { ownerAllowFrom: [`discord:${OWNER}`] }, ...others });
  const config = await configOf(discord, beside);
  const requests: DiscordRequest[] = [];
  const rest = { ...fakeRest(requests, answer, clock.now), ...more.api };
  const toolServices = { ...NO_TOOLS, ...more.toolServices };
  const ownSetup = (config: Config): OwnSetup => ({
    config,
    token: "token",
    models: modelsOf(model),
    speech: more.speech ?? {},
    apiBase: "http://127.0.0.1",
  });
  const own = ownSetup(config);
  const bot = testBot({
    setup: setupOf(own),
    ...{ store, log, now: clock.now, toolServices },
    features: more.features ?? [],
    media: more.media ?? mediaInMemory(),
  }, ["hunter2"]);
  const reader = createReader({ accountId: ACCOUNT, guilds, self: more.self ?? SELF }, () => {});
  const { random } = seeded(1);
  const account = await createAccount(bot, own, {
    invalidRequests: createInvalidRequests(),
    onEnd() {},
    instead: {
      rest,
      connection: new Proxy(more.connection ?? {}, {
        get: (given, name) => Reflect.get(given, name) ?? (() => {}),
      }) as Connection,
      draw: (count) => Uint8Array.from({ length: count }, () => random() * 256),
      random: () => 0,
      randomId: more.randomId ?? (() => "0123456789ab"),
      schedule: clock.schedule,
      steadyNow: clock.steady,
      bootedAt: () => 0,
      reader,
      self: () => reader.self,
      voiceIndex: more.voiceIndex,
    },
  });
  await completeAccount(account);
  const running: Partial<RunningAccount> = {
    userId: () => reader.self?.userId,
    changedByCommand: (...change) => changedByCommand(account, ...change),
  };
  bot.accounts.set(ACCOUNT, running as RunningAccount);
  /** Lets everything happen that waits for no time. */
  const quiet = async () => {
    for (let turn = 0; turn < 30; turn++) await settle();
  };
  let ticket = 0;
  async function receive(t: string, d: object): Promise<void> {
    ticket++;
    const text = JSON.stringify({ op: 0, t, s: ticket, d });
    const numbers = { ticket, number: ticket, epoch: 1, seq: ticket };
    take(account, { ...numbers, arrivedAt: clock.now(), text });
    await quiet();
  }
  const write = (content: string, fields: object = {}) => {
    const id = String(1400000000000000001n + BigInt(ticket));
    return receive("MESSAGE_CREATE", messageData({ id, content, ...fields }));
  };
  return {
    account,
    /** The gateway brings an event; resolves once all of it is done that waits for no time. */
    receive,
    /** Ada writes in the guild of `payloads.ts`. */
    write,
    /** Ada writes to the bot directly. */
    dm: (content: string, fields: object = {}) =>
      write(content, { guild_id: undefined, member: undefined, channel_type: 1, ...fields }),
    /** What the model was asked last in each request, as JSON; empty with a `model` of the test. */
    asked,
    /** Keys of the config change (C9). */
    async reload(keys: object, others: object = {}) {
      const next = await configOf({ ...discord, ...keys }, { ...beside, ...others });
      await applySetup(account, ownSetup(next));
      await quiet();
    },
    clock,
    store,
    rows,
    database,
    lines,
    requests,
    quiet,
    /** Lets time pass in steps, as a process sees it. */
    async pass(ms: number, stepMs = ms) {
      await quiet();
      for (let passed = 0; passed < ms; passed += stepMs) {
        clock.advance(Math.min(stepMs, ms - passed));
        await quiet();
      }
    },
    /** The texts that wait for Discord or have reached it, oldest first. */
    posted: () =>
      rows("SELECT message ->> '$.content' AS text FROM outbox ORDER BY id")
        .map(({ text }) => String(text)),
  };
}

/**
 * Another account of the process runs beside this one.
 *
 * @param view What this one sees of it; absent: nothing.
 */
export function runBeside(
  { bot }: BotAccount,
  accountId: AccountId,
  running: Partial<RunningAccount>,
  view?: OurView,
): void {
  bot.accounts.set(accountId, running as RunningAccount);
  if (!view) return;
  const { config } = bot.setup;
  const others = config.accounts.map((one) => ({ ...one, accountId }));
  bot.setup = { ...bot.setup, config: { ...config, accounts: [...config.accounts, ...others] } };
  bot.views.set(accountId, view);
}

export type TestAccount = Awaited<ReturnType<typeof testAccount>>;

function fakeRest(requests: DiscordRequest[], answer: Answer, now: () => number): RestClient {
  let next = 1_500_000_000_000_000_000n;
  return {
    // deno-lint-ignore require-await -- a thrown refusal is a rejection
    async request(method, path: string, { body }: RequestOptions = {}) {
      const request = {
        method,
        path,
        body: JSON.parse(typeof body === "string" ? body : jsonOf(body ?? {})),
      };
      requests.push(request);
      const given = answer(request);
      if (given instanceof Error) throw given;
      if (given !== undefined) return given;
      if (path === "/applications/@me") return { id: SELF.applicationId, owner: { id: OWNER } };
      if (/^\/channels\/\d+\/messages\?/.test(path)) return [];
      if (method !== "GET") return { id: String(next++) };
      throw refused(404, 10003);
    },
    hurry() {},
    stop() {},
    status: () => ({ invalidRequests: 0, breaker: {} as never, queued: 0, limitedMs: 0 }),
    discordNow: now,
  };
}
