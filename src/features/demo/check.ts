/**
 * `barnacle demo --check`: sends the bot one message of each kind, and checks what it does.
 *
 * It proves a program on a machine: source or binary. A missing answer is proved by a later message
 * that the bot does answer, so nothing waits for nothing to happen.
 */

import { buttonsIn } from "../../../simulator/world/components.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { RecordedVerdict } from "../../store/messages/messages.ts";
import {
  createVerdictReader,
  demoConfig,
  type Simulation,
  startSimulation,
} from "./simulation/simulation.ts";

/** Milliseconds for each step; an emulated processor is slow. */
const STEP_MS = 60_000;
/** Milliseconds to wait for an unwanted message at the end. */
const AFTERWARDS_MS = 500;
const LOG_LINES = 20;

type CheckStage = ReturnType<typeof createStage>;

/** What people do with the bot, each with a sentence that is true if it works. */
const STEPS: readonly (readonly [what: string, play: (stage: CheckStage) => Promise<void>])[] = [
  ["a mention in a channel is answered there", async ({ ask, answered, judged }) => {
    const asked = ask("grace", "#general", "good morning");
    await answered("#general", "good morning");
    await judged(asked, "accept", "mentioned");
  }],
  ["a message without a mention is not", async ({ say, judged }) => {
    await judged(say("grace", "#general", "what a morning"), "ignore", "no-mention");
  }],
  ["a mention in a thread is answered in it", async ({ ask, answered }) => {
    ask("grace", "How do I feed krill?", "is it the season");
    await answered("How do I feed krill?", "is it the season");
  }],
  ["a reply to the bot is answered", async ({ simulator, answered }) => {
    const replyTo = (await answered("#general", "good morning")).id;
    simulator.say({ as: "grace", in: "#general", text: "is it late", replyTo });
    await answered("#general", "is it late");
  }],
  ["the owner's direct message is answered", async ({ say, answered }) => {
    const { channelId } = say("ada", "dm", "anything new");
    await answered(channelId, "anything new");
  }],
  ["an unknown person gets a code, is approved by a button, and is answered", async (stage) => {
    const { simulator, say, press, posted, judged, answered, until } = stage;
    const refused = say("mallory", "dm", "tell me a secret");
    await judged(refused, "challenge", "pairing");
    await posted(refused.channelId, ({ content }) => /\b[A-HJ-NP-Z2-9]{8}\b/.test(content));
    const card = await posted(simulator.channel("dm", "ada").id, hasButtons);
    press("ada", card, 0);
    await until("the news", () => simulator.posted(refused.channelId).length > 1);
    say("mallory", "dm", "and now");
    await answered(refused.channelId, "and now");
  }],
  ["a file is read", async ({ simulator, model, until, hold }) => {
    const before = simulator.posted("#general").length;
    const bytes = new TextEncoder().encode("low tide at six");
    const attachments = [{
      filename: "tides.txt",
      contentType: "text/plain",
      sizeBytes: bytes.length,
      bytes,
    }];
    const text = `<@${simulator.application.userId}> see the table`;
    simulator.say({ as: "grace", in: "#general", text, attachments });
    await until("an answer", () => simulator.posted("#general").length > before);
    hold("the model read it", model.requests.some(({ body }) => body.includes("low tide at six")));
  }],
  ["a long answer comes whole, in several messages", async ({ ask, simulator, until }) => {
    const before = simulator.posted("#help").length;
    ask("grace", "#help", "long");
    await until("more messages than one", () => simulator.posted("#help").length > before + 1);
  }],
  ["a tool changes a channel, and a button takes that back", async (stage) => {
    const { simulator, ask, posted, press, until } = stage;
    for (const to of ["helpers", "Barnacle"]) {
      simulator.permit({ to, what: "manageChannels", as: "allowed" });
    }
    const { id: channelId } = simulator.channel("off-topic");
    const nameIs = (name: string) => () => simulator.channel(channelId).name === name;
    const change = { action: "channelEdit", channelId, name: "aside" };
    ask("grace", "#general", `rename it\ncall: discord ${JSON.stringify(change)}`);
    await until("the new name", nameIs("aside"));
    press("grace", await posted("#general", hasButtons), 0);
    await until("the old name", nameIs("off-topic"));
  }],
  ["a slash command is answered for its person alone", async ({ simulator, until, hold }) => {
    await until("the commands", () => simulator.application.commands.length > 0);
    const before = simulator.posted("#general").length;
    simulator.command({ as: "grace", in: "#general", name: "status" });
    await until("the answer", () => simulator.ephemeral("grace").length > 0);
    hold("the channel shows nothing", simulator.posted("#general").length === before);
  }],
  ["a message to the killed bot is answered once it is back, and once", async (stage) => {
    const { simulator, restart, ask, answered, hold } = stage;
    await restart(() => ask("grace", "#general", "are you back"));
    await answered("#general", "are you back");
    ask("grace", "#general", "and still here");
    await answered("#general", "and still here");
    await new Promise((resolve) => setTimeout(resolve, AFTERWARDS_MS));
    const answers = simulator.posted("#general").filter(({ content }) =>
      content.includes("are you back")
    );
    hold("one answer", answers.length === 1);
  }],
];

/** Plays all steps; ends with 0 only if all of them pass. */
export async function playCheck(
  { json, signal }: { readonly json: boolean; readonly signal: AbortSignal },
  io: Io,
): Promise<ExitCode> {
  const log: string[] = [];
  const simulation = await startSimulation({
    config: demoConfig,
    onLine: (line) => log.push(line),
  });
  const stage = createStage(simulation, signal);
  try {
    for (const [what, play] of STEPS) {
      const startedAt = performance.now();
      const failure = await failureOf(play, stage);
      const ms = Math.round(performance.now() - startedAt);
      const ok = failure === undefined;
      if (json) io.out(JSON.stringify({ what, ok, ms, ...(!ok && { failure }) }));
      else io.out(`${ok ? "ok    " : "FAILED"} ${String(ms).padStart(6)} ms  ${what}`);
      if (ok) continue;
      if (!json) io.problem(failure);
      for (const line of log.slice(-LOG_LINES)) io.err(`  ${line}`);
      return EXIT.failed;
    }
    return EXIT.done;
  } finally {
    stage.close();
    await simulation.close();
  }
}

/** Plays a step. @returns What went wrong. */
async function failureOf(
  play: (stage: CheckStage) => Promise<void>,
  stage: CheckStage,
): Promise<string | undefined> {
  try {
    await stage.begin();
    await play(stage);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const hasButtons = ({ components }: Message): boolean => buttonsIn(components).length > 0;

function createStage({ simulator, model, dataDir, startBot }: Simulation, stop: AbortSignal) {
  const verdicts = createVerdictReader(dataDir);
  const known = new Map<string, RecordedVerdict>();
  let bot = startBot();
  let signal = stop;

  /** Waits for a state of the simulated Discord. */
  async function until<Value>(what: string, check: () => Value | undefined): Promise<Value> {
    try {
      return await simulator.until(() => check() || undefined, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new Error(`waited in vain for ${what}`, { cause: error });
    }
  }
  const say = (as: string, where: string, text: string): Message =>
    simulator.say({ as, in: where, text });
  /** Waits for the bot's newest message of a kind. */
  const posted = (where: string, isWanted: (message: Message) => boolean): Promise<Message> =>
    until(`a message of the bot in ${where}`, () => simulator.posted(where).findLast(isWanted));
  function hold(claim: string, isTrue: boolean): void {
    if (!isTrue) throw new Error(`not true: ${claim}`);
  }

  return {
    simulator,
    model,
    until,
    say,
    posted,
    hold,
    /** Says something that mentions the bot. */
    ask: (as: string, where: string, text: string): Message =>
      say(as, where, `<@${simulator.application.userId}> ${text}`),
    /** Waits for the answer of the script, which repeats the question. */
    answered: (where: string, text: string): Promise<Message> =>
      posted(where, ({ content }) => content.includes(text)),
    press(as: string, message: Message, index: number): void {
      const customId = buttonsIn(message.components)[index]?.custom_id ?? "";
      simulator.press({ as, in: message.channelId, message: message.id, customId });
    },
    /** Waits for the verdict on a message in the bot's store, and checks it. */
    async judged({ id }: Message, verdict: string, why: string): Promise<void> {
      while (!known.has(id)) {
        for (const one of await verdicts.next()) known.set(one.messageId, one);
        let looks = 0; // the store sends no events: read again a little later
        await until("a recorded verdict", () => ++looks > 1);
      }
      const found = known.get(id);
      const is = `${found?.verdict} as ${found?.why}`;
      hold(`${verdict} as ${why}; it is ${is}`, is === `${verdict} as ${why}`);
    },
    /** Kills the bot, and starts it again after `meanwhile`. */
    async restart(meanwhile: () => void): Promise<void> {
      bot.kill("SIGKILL");
      await bot.exited;
      await until("the bot to be away", () => simulator.connected() === 0);
      meanwhile();
      bot = startBot();
    },
    /** Begins a step, which may take {@link STEP_MS}. */
    async begin(): Promise<void> {
      signal = AbortSignal.any([stop, AbortSignal.timeout(STEP_MS)]);
      await until("the bot to be online", () => simulator.connected() > 0);
    },
    close: () => verdicts.close(),
  };
}
