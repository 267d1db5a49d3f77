/**
 * Runs the real bot under strace, while people talk to it.
 *
 * Not every start is traced, so a shell starts either strace or the bot.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type SimulatedProcess,
  type Simulation,
  startSimulation,
} from "../../../src/features/demo/simulation/simulation.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { addUser } from "../../../simulator/world/create_world.ts";
import { startModelServer } from "../../../simulator/model/server.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { createdAtMs } from "../../../src/core/discord/ids.ts";
import type { Owed } from "../../support/bot/account.ts";
import { commandUnderTest, MANY_QUESTIONS } from "../../support/bot/e2e.ts";
import type { Seeded } from "../../support/seeded.ts";
import type { Question } from "./judge.ts";
import { readSyscalls, STRACE, STRACE_ARGS, type Syscall } from "./syscall_log.ts";
import type { Ports } from "./wire.ts";

export interface PowerCutSimulation extends Simulation {
  readonly ports: Ports;
  /** Messages sent to the bot so far. */
  readonly questions: readonly Question[];
  readonly owed: readonly Owed[];
  /** Starts a bot, traced or not, and waits until Discord has it online. */
  start(isWatched: boolean): Promise<SimulatedProcess>;
  /** The system calls of the last traced bot, which must have ended. */
  readLog(): readonly Syscall[];
  /**
   * Sends a message, to the bot or to others.
   *
   * @param mayBeNew Whether it may be a user's first direct message. Only a session can deliver that
   * one, because Discord lists no direct channels (reliability 1.6, hole 2).
   */
  talk(mayBeNew?: boolean): void;
  /** Whether the connected session is stored: a heartbeat of it has named a number. */
  isSessionStored(): boolean;
  /**
   * Waits until the bot has stored the first message of each new user: a heartbeat of its session
   * has acknowledged it, or it is answered.
   */
  firstsStored(): Promise<void>;
  /** Sends a new user's first direct message to the bot. */
  meet(): void;
  /**
   * Sends a message in a guild, and waits until a heartbeat has acknowledged it before the model has
   * answered. No commit has waited for the disk since, unless other messages caused one. If the
   * answer was faster, it tries again with a next message and a slower answer.
   */
  acknowledgeUnsynced(): Promise<void>;
  /** The bot's messages in a channel. */
  written(channelId: string): readonly string[];
  until(what: string, check: () => boolean): Promise<void>;
}

const CHANNELS = ["general", "off-topic", "How do I feed krill?"];
/** Short, so that the bot often acknowledges its progress to Discord. */
const HEARTBEAT_MS = 250;
/** Delay between two words of an answer: an instant model would hide unsafe moments. */
const WORD_MS = 12;
/** The same for an answer that must not be faster than a heartbeat; it has some twenty words. */
const SLOW_WORD_MS = 50;
/** Number of attempts to get such a heartbeat; each of them has more time. */
const MAX_SLOW = 10;
/** A traced start takes 20 s and more while others use the machine, too. */
const PATIENCE_MS = 300_000;
/** Shares of the messages to the bot in a guild, and in direct messages; the rest is for others. */
const SHARES = { guild: 0.35, direct: 0.2 };
const NEW_PEOPLE = 0.5;

const LOG = "syscalls.log";
const LOG_VARIABLE = "POWERCUT_LOG";
const SHELL = [
  `if [ -z "$${LOG_VARIABLE}" ]; then exec "$@"; fi`,
  `exec ${STRACE} ${STRACE_ARGS.join(" ")} -o "$${LOG_VARIABLE}" "$@"`,
].join("\n");

export async function openPowerCutSimulation(
  { random, pick }: Seeded,
): Promise<PowerCutSimulation> {
  const { world, krill, barnacle } = demoWorld();
  const { program, args } = commandUnderTest();
  let wordMs = WORD_MS;
  const model = await startModelServer({
    get chunkDelayMs() {
      return wordMs;
    },
  });
  const simulation = await startSimulation({
    command: { program: "/bin/sh", args: ["-c", SHELL, "sh", program, ...args] },
    simulator: {
      world,
      application: barnacle,
      heartbeatIntervalMs: HEARTBEAT_MS,
      rateLimits: false,
      identifyLimit: { spacingMs: 0 },
    },
    config: () => ({
      channels: {
        discord: {
          guilds: { [krill.id]: {} },
          dm: { policy: "open", allowFrom: ["*"] },
          gateway: { compress: false },
        },
      },
      http: { port: 0 },
      ...MANY_QUESTIONS,
    }),
    env: { OPENAI_BASE_URL: model.baseUrl },
  });
  const { simulator, dataDir } = simulation;
  const questions: Question[] = [];
  const owed = new Map<string, { channel: string; pieces: string[] }>();
  const people: string[] = [];
  /** New users' first messages that may not be stored yet. */
  let firsts: FirstMessage[] = [];
  let said = 0;

  async function until(what: string, check: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    try {
      await simulator.until(() => check() || undefined, signal);
    } catch (cause) {
      throw new Error(`Waited in vain for ${what}`, { cause });
    }
  }

  function note({ id, channelId }: Message, piece: string, isFirstDirect: boolean): void {
    const sentAt = createdAtMs(id);
    questions.push({ messageId: id, words: piece, sentAt, isFirstDirect });
    const due = owed.get(channelId) ?? { channel: channelId, pieces: [] };
    owed.set(channelId, due);
    due.pieces.push(piece);
  }

  const nextName = () => `q${String(said += 1).padStart(4, "0")}.`;

  function meet(name: string): void {
    const as = `stranger${people.length}`;
    addUser(world, { username: as }, Date.now());
    people.push(as);
    const message = simulator.say({ as, in: "dm", text: name });
    note(message, name, true);
    const numbers = new Map(simulator.sessions().map(({ id, seq }) => [id, seq]));
    firsts.push({ name, channelId: message.channelId, numbers });
  }

  const written = (channelId: string): readonly string[] =>
    [...simulator.channel(channelId).messages.values()]
      .filter(({ author }) => author.kind === "user" && author.userId === barnacle.userId)
      .map(({ content }) => content);

  /** Whether a heartbeat has named this number of its session, or a later one. */
  const isTold = (numbers: ReadonlyMap<string, number>) =>
    simulator.account().beats.some(({ sessionId, seq }) =>
      seq !== null && seq >= (numbers.get(sessionId) ?? Infinity)
    );

  async function acknowledgeUnsynced(): Promise<void> {
    for (let asked = 0, isUnsynced = false; asked < MAX_SLOW && !isUnsynced; asked++) {
      wordMs = SLOW_WORD_MS * (asked + 1);
      const name = nextName();
      const text = `<@${barnacle.userId}> ${name}`;
      const message = simulator.say({ as: "grace", in: "general", text });
      note(message, name, false);
      const numbers = new Map(simulator.sessions().map(({ id, seq }) => [id, seq]));
      const isAnswered = () => written(message.channelId).some((one) => one.includes(name));
      const request = () => model.requests.find(({ words }) => words.includes(name));
      await until(`a heartbeat after ${name}`, () => isTold(numbers) || isAnswered());
      isUnsynced = !isAnswered() && request()?.end === undefined;
      await until(`an answer to ${name}`, isAnswered);
      wordMs = WORD_MS;
    }
  }

  return {
    ...simulation,
    meet: () => meet(nextName()),
    acknowledgeUnsynced,
    questions,
    ports: {
      rest: portOf(simulator.apiUrl),
      gateway: portOf(simulator.gatewayUrl),
      model: model.port,
    },
    until,
    get owed() {
      return [...owed.values()];
    },
    async start(isWatched) {
      const before = simulator.account().connections;
      const bot = simulation.startBot(isWatched ? { [LOG_VARIABLE]: join(dataDir, LOG) } : {});
      let hasEnded = false;
      void bot.exited.then(() => hasEnded = true);
      await until("the bot to be online", () => {
        if (hasEnded) throw new Error(`The bot has ended:\n${bot.lines.slice(-5).join("\n")}`);
        return simulator.account().connections > before && simulator.connected() > 0;
      });
      return bot;
    },
    isSessionStored() {
      const connected = simulator.sessions().filter(({ isConnected }) => isConnected);
      return isTold(new Map(connected.map(({ id }) => [id, 0])));
    },
    async firstsStored() {
      const isStored = ({ name, channelId, numbers }: FirstMessage) =>
        isTold(numbers) || written(channelId).some((text) => text.includes(name));
      try {
        await until("the messages of new users to be stored", () => {
          firsts = firsts.filter((first) => !isStored(first));
          return firsts.length === 0;
        });
      } catch (cause) {
        const names = firsts.map(({ name }) => name).join(" ");
        throw new Error(`The bot neither acknowledges nor answers ${names}`, { cause });
      }
    },
    readLog: () => readSyscalls(readFileSync(join(dataDir, LOG), "utf8")),
    talk(mayBeNew = true) {
      const drawn = random();
      const where = pick(CHANNELS);
      const name = nextName();
      if (drawn < SHARES.guild) {
        const text = `<@${barnacle.userId}> ${name}`;
        note(simulator.say({ as: "grace", in: where, text }), name, false);
      } else if (drawn < SHARES.guild + SHARES.direct) {
        const isNew = mayBeNew && (people.length === 0 || random() < NEW_PEOPLE);
        if (isNew) return meet(name);
        if (people.length === 0) return;
        note(simulator.say({ as: pick(people), in: "dm", text: name }), name, false);
      } else {
        simulator.say({ as: "ada", in: where, text: `Krill number ${said} swam by.` });
      }
    },
    async close() {
      await simulation.close();
      await model.close();
    },
    written,
  };
}

/** A new user's first message. */
interface FirstMessage {
  readonly name: string;
  readonly channelId: Message["channelId"];
  /** Its number in each session that delivers it. */
  readonly numbers: ReadonlyMap<string, number>;
}

const portOf = (url: string): number => Number(new URL(url).port);
