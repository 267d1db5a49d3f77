/**
 * Runs bots on a simulated Discord, for the demo and for tests.
 *
 * A bot is another process of this program. It gets only the environment and the config that an
 * operator would give it, so it can be killed and restarted. Its data are in a temporary directory.
 *
 * The outcome of each message is read from verdicts of the bot's store, and from replies. The nonce of
 * a reply is computed from the message that it answers, so both match in any order of arrival.
 */

import process from "node:process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ModelServer, startModelServer } from "../../../../simulator/model/server.ts";
import type { Judged, Outcome } from "../../../../simulator/page/bot_panel.ts";
import {
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from "../../../../simulator/simulator.ts";
import type { Message } from "../../../../simulator/world/world.ts";
import { createdAtMs, type MessageId } from "../../../core/discord/ids.ts";
import { nonceOf } from "../../../core/outbound/outbound.ts";
import { DATABASE_NAME } from "../../../host/files/data_dir.ts";
import { type OwnCommand, ownCommand, startOwnProcess } from "../../../host/process/own_process.ts";
import type { Env } from "../../../lib/env.ts";
import { reasonText } from "../../../render/failure.ts";
import type { RecordedVerdict } from "../../../store/messages/messages.ts";
import { openStoreReader, type Store } from "../../../store/store.ts";

/** Maximum number of messages of one reply, for matching. */
const PARTS = 64;

const KINDS = ["reply", "failure"] as const;

interface ReplyPart {
  readonly cause: MessageId;
  readonly kind: (typeof KINDS)[number];
}

export function createOutcomes() {
  const judged = new Map<MessageId, Judged>();
  const parts = new Map<string, ReplyPart>();
  /** Messages of the bot without a known verdict. */
  const unmatched = new Map<string, Message>();

  function settle(nonce: string, { cause, kind }: ReplyPart, message: Message): Judged | undefined {
    const before = judged.get(cause);
    if (!before) return undefined;
    parts.delete(nonce);
    unmatched.delete(nonce);
    const replies = [...before.outcome?.replies ?? [], message.id];
    const outcome: Outcome = {
      kind: kind === "reply" ? "answered" : "failed",
      replies,
      afterMs: before.outcome?.afterMs ?? createdAtMs(message.id) - createdAtMs(cause),
    };
    const after = { ...before, outcome };
    judged.set(cause, after);
    return after;
  }

  return {
    /** Adds a verdict; returns the message's outcome. */
    decided({ messageId, verdict, why, rule }: RecordedVerdict): Judged {
      const isAccepted = verdict === "accept";
      const fresh: Judged = {
        messageId,
        verdict,
        why,
        words: reasonText(why),
        rule,
        outcome: isAccepted ? { kind: "thinking", replies: [] } : undefined,
      };
      judged.set(messageId, fresh);
      if (!isAccepted) return fresh;
      for (const kind of KINDS) {
        for (let index = 0; index < PARTS; index++) {
          const nonce = nonceOf({ cause: messageId, revision: 0, agentId: "main", kind }, index);
          const part: ReplyPart = { cause: messageId, kind };
          parts.set(nonce, part);
          const early = unmatched.get(nonce);
          if (early) settle(nonce, part, early);
        }
      }
      return judged.get(messageId) ?? fresh;
    },
    /** Adds a message of the bot; returns the outcome of the message that it answers, if known. */
    posted(message: Message): Judged | undefined {
      if (typeof message.nonce !== "string") return undefined;
      const part = parts.get(message.nonce);
      if (part) return settle(message.nonce, part, message);
      unmatched.set(message.nonce, message);
      return undefined;
    },
    /** All outcomes, in the order of the verdicts. */
    all: (): readonly Judged[] => [...judged.values()],
  };
}

/** Maximum number of verdicts per read. */
const PAGE = 500;

/**
 * Creates a reader from the first verdict on.
 *
 * It opens the bot's database read-only and polls it. Without a database the bot has decided nothing
 * yet.
 */
export function createVerdictReader(dataDir: string) {
  const path = join(dataDir, DATABASE_NAME);
  let opened: Store | undefined;
  let last = 0;
  return {
    /** New verdicts since the last call, the oldest first; at most {@link PAGE}. */
    async next(): Promise<readonly RecordedVerdict[]> {
      opened ??= open(path);
      if (!opened) return [];
      const decisions = await opened.messages.verdictsAfter(last, PAGE);
      last = decisions.at(-1)?.id ?? last;
      return decisions;
    },
    close(): void {
      opened?.close();
      opened = undefined;
    },
  };
}

/** @returns `undefined` while the tables do not exist. */
function open(path: string): Store | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return openStoreReader(path, { elapsed: () => performance.now() });
  } catch {
    return undefined; // the bot is creating it now; the next call opens it
  }
}

/** A bot, with the lines of its output. */
export type SimulatedProcess = ReturnType<typeof startOwnProcess> & {
  readonly lines: readonly string[];
};

/** Milliseconds for a bot to stop before it is killed. */
const CLOSE_MS = 5_000;

export async function startSimulation(options: {
  /** The program to start; this program if absent. */
  readonly command?: OwnCommand;
  /** Settings of the simulated Discord. */
  readonly simulator?: SimulatorOptions;
  /** Makes the content of the bot's config file. */
  readonly config: (simulator: Simulator, model: ModelServer) => object;
  /** Variables of the bot's environment; they override the simulation's. */
  readonly env?: Env;
  /** Working directory of the bots; this process's if absent. */
  readonly cwd?: string;
  /** Called with each line of a bot's output. */
  readonly onLine?: (line: string) => void;
}) {
  const { command = ownCommand(), config, env: extra = {}, cwd, onLine } = options;
  const dataDir = mkdtempSync(join(tmpdir(), "barnacle-"));
  const simulator = await startSimulator({
    dave: async () => await (await import("../../voice/davey.ts")).loadDavey(),
    ...options.simulator,
  });
  const model = await startModelServer();
  const configFile = join(dataDir, "config.jsonc");
  writeFileSync(configFile, JSON.stringify(config(simulator, model), undefined, 2), {
    mode: 0o600,
  });
  const bots = new Set<SimulatedProcess>();

  function startBot(
    env: Env = {},
    args: readonly string[] = [],
    program: OwnCommand = command,
  ): SimulatedProcess {
    const lines: string[] = [];
    const child = startOwnProcess(
      program,
      ["run", "--config", configFile, "--data", dataDir, ...args],
      { ...environment(), ...stageEnv(simulator, model), ...extra, ...env },
      (line) => {
        lines.push(line);
        onLine?.(line);
      },
      cwd,
    );
    const bot: SimulatedProcess = { ...child, lines };
    bots.add(bot);
    void bot.exited.then(() => bots.delete(bot), () => bots.delete(bot));
    return bot;
  }

  return {
    simulator,
    model,
    /** Data directory, shared by all bots of the simulation, as after a restart. */
    dataDir,
    configFile,
    /** Starts a bot; `env` adds to the simulation's environment, `program` replaces its program. */
    startBot,
    /** Ends the bots, the servers and the directory. */
    async close(): Promise<void> {
      await Promise.all([...bots].map(end));
      await Promise.all([simulator.close(), model.close()]);
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A simulated Discord, a scripted model, and bots. */
export type Simulation = Awaited<ReturnType<typeof startSimulation>>;

async function end(bot: SimulatedProcess): Promise<void> {
  bot.kill("SIGTERM");
  const timer = setTimeout(() => bot.kill("SIGKILL"), CLOSE_MS);
  try {
    await bot.exited;
  } finally {
    clearTimeout(timer);
  }
}

/** The variables that every program needs, without any keys; those of Windows follow the others. */
const VARIABLES: readonly string[] = [
  ...["PATH", "HOME", "DENO_DIR", "TMPDIR", "TZ"],
  ...["SystemRoot", "TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA"],
];

function environment(): Env {
  return Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));
}

function stageEnv(simulator: Simulator, model: ModelServer): Env {
  return {
    DISCORD_API_URL: simulator.apiUrl,
    DISCORD_BOT_TOKEN: simulator.token,
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_API_KEY: "no-key",
    OPENAI_MODEL: model.models[0],
  };
}

/**
 * The config of the demo's bot. It names the first guild of the demo's world by its slug, and omits
 * the second.
 *
 * It follows the README's first steps, so that the reader's own bot would give the same verdicts.
 */
export function demoConfig(): {
  readonly channels: { readonly discord: object };
  readonly [section: string]: object;
} {
  return {
    agents: { turnTimeoutSec: 60 }, // after which a hanging model is cut
    channels: {
      discord: {
        dm: { allowFrom: ["ada"] },
        guilds: { "krill-co": { channels: { "*": {}, "off-topic": { requireMention: false } } } },
      },
    },
    http: { port: 0 },
  };
}
