/**
 * Gathers the page's data about the bot, and makes its card of state, figures and controls. The data
 * are verdicts from its store, its state over HTTP, its messages from the simulated Discord, and its
 * log from a pipe.
 */

import type {
  BotCard,
  BotPanel,
  BotPanelNews,
  Control,
} from "../../../simulator/page/bot_panel.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { createOutcomes, VerdictReader } from "./simulation/outcomes.ts";
import type { DemoTalk } from "./simulation/busy_room.ts";
import type { Faults } from "./faults.ts";
import type { BotStatus } from "./simulation/bot_status.ts";
import type { DemoSupervisor } from "./supervisor.ts";
import type { OfferedModel } from "./models.ts";
import type { createNotices } from "./notices.ts";

export interface BotPanelPorts {
  readonly simulator: Simulator;
  readonly supervisor: DemoSupervisor;
  readonly faults: Faults;
  /** Talks that the demo can play; none with a config of the user. */
  readonly talks: readonly DemoTalk[];
  readonly verdicts: VerdictReader;
  readonly outcomes: ReturnType<typeof createOutcomes>;
  readonly notices: ReturnType<typeof createNotices>;
  readonly models: readonly OfferedModel[];
  readonly model: OfferedModel;
  /** Asks the bot for its status. */
  readonly readStatus: () => Promise<BotStatus | undefined>;
  /** Makes the address of the bot's dashboard, which logs in. */
  readonly dashboardLink: () => Promise<string>;
  /** Called when the user wants to start over, with the bot's current model. */
  readonly onReset: (model: OfferedModel) => void;
  /** Called with an error of the demo itself. */
  readonly onError: (error: unknown) => void;
}

/** Milliseconds between two reads of the store and the connection. */
const LOOK_MS = 250;

/** Reads of the store between two requests to the bot. */
const LOOKS_PER_QUESTION = 4;

/** Creates the page's data about a running bot. */
export function createBotPanel(
  ports: BotPanelPorts,
): BotPanel & { readonly close: () => Promise<void> } {
  const { simulator, supervisor, faults, talks, verdicts, outcomes, notices, models } = ports;
  const listeners = new Set<(news: BotPanelNews) => void>();
  let model = ports.model;
  let status: BotStatus | undefined;
  let looks = 0;
  let card = draw();
  let isClosed = false;

  const tell = (news: BotPanelNews) => {
    for (const listener of listeners) listener(news);
  };

  const stopNotices = notices.subscribe((notice) => tell({ kind: "notice", notice }));
  const stopWorld = simulator.subscribe((event) => {
    if (event.kind !== "message_created") return;
    const { author } = event.message;
    if (author.kind !== "user" || author.userId !== simulator.application.userId) return;
    const judged = outcomes.posted(event.message);
    if (judged) tell({ kind: "judged", judged });
  });

  function draw(): BotCard {
    return drawBotCard({
      pid: supervisor.pid(),
      isConnected: simulator.connected() > 0,
      figures: status?.figures ?? [],
      models,
      modelId: model.id,
      faults: faults.controls(),
      talks: talks.map(({ control, isTalking }) => ({ ...control, isOn: isTalking() })),
    });
  }

  function redraw(): void {
    const next = draw();
    if (JSON.stringify(next) === JSON.stringify(card)) return;
    card = next;
    tell({ kind: "bot", bot: card });
  }

  async function look(): Promise<void> {
    for (const decision of await verdicts.next()) {
      const score = await verdicts.scoreOf(decision);
      tell({ kind: "judged", judged: outcomes.decided(decision, score) });
    }
    if (looks++ % LOOKS_PER_QUESTION === 0) status = await ports.readStatus();
    faults.settle();
    redraw();
  }

  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking = Promise.resolve();
  function lookSoon(): void {
    if (isClosed) return;
    timer = setTimeout(() => {
      looking = look().catch(ports.onError).finally(lookSoon);
    }, LOOK_MS);
  }
  lookSoon();

  return {
    bot: () => card,
    judged: () => outcomes.all(),
    notices: notices.all,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async press(controlId) {
      if (controlId === DASHBOARD_PAGE.id) return { open: await ports.dashboardLink() };
      if (controlId === RESET.id) {
        ports.onReset(model);
        return {};
      }
      const wanted = models.find(({ id }) => controlId === `model:${id}`);
      const talk = talks.find(({ control }) => control.id === controlId);
      if (talk) talk.toggle();
      else if (!wanted && !faults.press(controlId)) return undefined;
      if (wanted && wanted.id !== model.id) {
        model = wanted;
        notices.note("action", `Restarting the bot, to answer with: ${wanted.label}`);
        supervisor.restart(wanted.env);
      }
      redraw();
      return {};
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      stopNotices();
      stopWorld();
      await looking;
      verdicts.close();
    },
  };
}

export interface DemoBotFacts {
  /** Process id; `undefined` if none runs. */
  readonly pid: number | undefined;
  readonly isConnected: boolean;
  /** Figures from its own status; shown while it runs. */
  readonly figures: BotCard["figures"];
  readonly models: readonly OfferedModel[];
  readonly modelId: string;
  readonly faults: BotCard["controls"];
  readonly talks: BotCard["controls"];
}

const DASHBOARD_PAGE: Control = {
  id: "dashboard",
  group: "demo",
  label: "Open the dashboard",
  hint: "What the owner of a real bot sees: state, decisions, conversations, costs and config.",
  isOn: false,
  opens: true,
};

/** The button that forgets everything. */
const RESET: Control = {
  id: "reset",
  group: "demo",
  label: "Start over",
  hint: "Deletes all messages and the bot's data, and starts a new bot.",
  isOn: false,
};

const HEADLINES = { online: "Online", away: "Connecting", offline: "Not running" } as const;

export function drawBotCard(facts: DemoBotFacts): BotCard {
  const { pid, isConnected, figures, models, modelId, talks } = facts;
  const isRunning = pid !== undefined;
  const state = !isRunning ? "offline" : isConnected ? "online" : "away";
  return {
    state,
    headline: HEADLINES[state],
    figures: [
      { name: "Process", value: isRunning ? `pid ${pid}` : "none" },
      ...(isRunning ? figures : []),
    ],
    controls: [
      ...models.map(({ id, label, hint }) => ({
        id: `model:${id}`,
        group: "model" as const,
        label,
        hint,
        isOn: id === modelId,
      })),
      ...facts.faults,
      DASHBOARD_PAGE,
      ...talks,
      RESET,
    ],
  };
}
