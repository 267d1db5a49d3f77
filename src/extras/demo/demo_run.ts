/**
 * One run of the demo: a simulated Discord, the bot on it, and the page that shows both.
 *
 * "Start over" ends a run and begins the next one, with a new Discord and new data. So no part
 * needs to forget anything.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createPage, type Prompt } from "../../../simulator/page/page.ts";
import { createBotDashboard, isOfDashboard } from "./bot_dashboard.ts";
import { createBotPanel } from "./bot_panel.ts";
import { createCrowd, type CrowdLine, ROOM_AGENTS } from "./simulation/busy_room.ts";
import { addVoiceRoom, createVoiceTalk, withVoice } from "./simulation/voice_room.ts";
import { createFaults, HEARTBEAT_MS } from "./faults.ts";
import { readBotStatus } from "./simulation/bot_status.ts";
import { createSupervisor } from "./supervisor.ts";
import { createNotices, readLogLine } from "./notices.ts";
import { type OfferedModel, SCRIPT } from "./models.ts";
import { createOutcomes, createVerdictReader } from "./simulation/outcomes.ts";
import type { PreparedConfig } from "./prepare_config.ts";
import { SAMPLE_FILE, startSimulation } from "./simulation/simulation.ts";

export interface DemoPlan {
  readonly prepared: Extract<PreparedConfig, { kind: "ready" }>;
  readonly models: readonly OfferedModel[];
  readonly model: OfferedModel;
}

/** Suggestions on the page. The built-in script knows them; a model understands the sentences. */
const PROMPTS: readonly Prompt[] = [
  { text: "Remember that the ferry leaves at nine" },
  { text: "What do you remember about the ferry?" },
  { text: "Remind me in 10 seconds to make tea" },
  { text: "What did I say?" },
  { text: `Read the file ${SAMPLE_FILE.name}`, by: "owner" },
  { text: 'Set the topic of this channel to "Low tide at six"', by: "owner" },
  { text: "Undo that", by: "owner" },
  { text: "Run date", by: "owner" },
  ...["help", "code", "long", "book", "menu", "simulate: slow", "simulate: hang"]
    .map((text) => ({ text })),
];

/** The conversation in #general with which the page opens; `@` stands for a mention of the bot. */
const SCENE: readonly CrowdLine[] = [
  { as: "grace", text: "@ Remember that the ferry leaves at nine" },
  { as: "ada", text: "The tide table is in the harbour office" },
  { as: "grace", text: "@ What do you remember about the ferry?" },
];

/** Milliseconds to wait for the bot before the page opens without it. */
const START_MS = 20_000;

/**
 * Starts a run.
 *
 * @param onError Called with an error of the demo itself.
 */
export async function startDemoRun(
  { prepared, models, model }: DemoPlan,
  { onError }: { readonly onError: (error: unknown) => void },
) {
  const notices = createNotices(Date.now);
  if (prepared.isOwn) addVoiceRoom(prepared.world, Date.now());
  const simulation = await startSimulation({
    // Messages show the person's time, also after the computer slept.
    simulator: { world: prepared.world.world, heartbeatIntervalMs: HEARTBEAT_MS, now: Date.now },
    config: (_, model) => prepared.isOwn ? withVoice(prepared.config, model) : prepared.config,
    env: prepared.env,
    onLine(line) {
      const read = readLogLine(line);
      if (read) notices.note(read.level, read.text);
    },
  });
  if (prepared.isOwn) {
    const workspace = join(simulation.dataDir, "agents", ROOM_AGENTS[0].id);
    mkdirSync(workspace, { recursive: true, mode: 0o700 });
    writeFileSync(join(workspace, SAMPLE_FILE.name), SAMPLE_FILE.text);
    simulation.simulator.permit({ to: "Barnacle", what: "manageChannels", as: "allowed" });
  }
  const tell = (text: string) => notices.note("action", text);
  const supervisor = createSupervisor(model.env, {
    start: (env) => simulation.startBot(env),
    sleep,
    now: Date.now,
    tell,
  });
  const { simulator } = simulation;
  const dashboard = createBotDashboard(simulation.dataDir);
  const talks = prepared.isOwn
    ? [createCrowd(simulator, tell), createVoiceTalk(simulator, { tell, onError })]
    : [];
  const { promise: reset, resolve: onReset } = Promise.withResolvers<OfferedModel>();
  const panel = createBotPanel({
    simulator,
    supervisor,
    faults: createFaults(simulator, { supervisor, tell }),
    talks,
    verdicts: createVerdictReader(simulation.dataDir),
    outcomes: createOutcomes(prepared.agents),
    notices,
    models,
    model,
    readStatus: () => readBotStatus(simulation.dataDir),
    dashboardLink: dashboard.link,
    onReset,
    onError,
  });
  const page = createPage({ simulator, panel, prompts: PROMPTS, onError });
  return {
    /** Answers the requests of the page, and of the bot's dashboard. */
    answer: (request: Request): Response | Promise<Response> =>
      isOfDashboard(new URL(request.url).pathname)
        ? dashboard.answer(request)
        : page.fetch(request),
    dataDir: simulation.dataDir,
    /** Resolves with the bot's last end if restarting does not help. */
    gaveUp: supervisor.gaveUp,
    /** Resolves when the user wants to start over, with the bot's current model. */
    reset,
    // The gateway never delivers messages from before the bot's first session.
    /** Resolves when the bot is online and the scene is played; after a while, the page shows why not. */
    async ready(stop: AbortSignal): Promise<void> {
      const patience = AbortSignal.any([stop, AbortSignal.timeout(START_MS)]);
      try {
        await simulator.until(() => simulator.connected() > 0 || undefined, patience);
        if (!prepared.isOwn || model !== SCRIPT) return; // a model costs money
        for (const { as, text } of SCENE) {
          const count = simulator.posted("general").length + Number(text.startsWith("@"));
          const said = text.replace(/^@/, `<@${simulator.application.userId}>`);
          simulator.say({ as, in: "general", text: said });
          const isAnswered = () => simulator.posted("general").length >= count || undefined;
          await simulator.until(isAnswered, patience);
        }
      } catch { /* it took too long */ }
    },
    /** Ends the bot and the servers, and removes the data. */
    async close(): Promise<void> {
      for (const talk of talks) talk.stop();
      supervisor.stop();
      page.close();
      await panel.close();
      await simulation.close();
    },
  };
}
