/**
 * Gathers the page's data about the bot: verdicts from its store, its state over HTTP, its messages
 * from the simulated Discord, and its log from a pipe.
 *
 * @module
 */

import type { Backstage, BackstageNews, BotCard } from "../../../simulator/page/backstage.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { drawBotCard, RESET } from "./bot_card.ts";
import type { VerdictReader } from "./stage/verdicts.ts";
import type { Faults } from "./faults.ts";
import type { Keeper } from "./keeper.ts";
import type { OfferedModel } from "./models.ts";
import type { Notices } from "./notices.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Vitals } from "./vitals.ts";

/** Sources of the data. */
export interface BackstagePorts {
  /** The simulated Discord. */
  readonly simulator: Simulator;
  /** Starts and kills the bot. */
  readonly keeper: Keeper;
  /** Buttons that cause faults. */
  readonly faults: Faults;
  /** New verdicts of the bot. */
  readonly verdicts: VerdictReader;
  /** Outcomes of all messages. */
  readonly outcomes: Outcomes;
  /** Notices for the page. */
  readonly notices: Notices;
  /** Models to choose from. */
  readonly models: readonly OfferedModel[];
  /** The bot's first model. */
  readonly model: OfferedModel;
  /** Asks the bot for its status. */
  readonly readVitals: () => Promise<Vitals | undefined>;
  /** Called when the user wants to start over, with the bot's current model. */
  readonly onReset: (model: OfferedModel) => void;
  /** Called with an error of the demo itself. */
  readonly onError: (error: unknown) => void;
}

/** The page's data about a running bot. */
export interface RunningBackstage extends Backstage {
  /** Stops the updates. */
  close(): Promise<void>;
}

/** Milliseconds between two reads of the store and the connection. */
const LOOK_MS = 250;

/** Reads of the store between two requests to the bot. */
const LOOKS_PER_QUESTION = 4;

/** Starts to update the data. */
export function createBackstage(ports: BackstagePorts): RunningBackstage {
  const { simulator, keeper, faults, verdicts, outcomes, notices, models } = ports;
  const listeners = new Set<(news: BackstageNews) => void>();
  let model = ports.model;
  let vitals: Vitals | undefined;
  let looks = 0;
  let card = draw();
  let isClosed = false;

  const tell = (news: BackstageNews) => {
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
      pid: keeper.pid(),
      isConnected: simulator.connected() > 0,
      calls: simulator.account(),
      figures: vitals?.figures ?? [],
      models,
      modelId: model.id,
      faults: faults.controls(),
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
      tell({ kind: "judged", judged: outcomes.decided(decision) });
    }
    if (looks++ % LOOKS_PER_QUESTION === 0) vitals = await ports.readVitals();
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
    press(controlId) {
      if (controlId === RESET.id) {
        ports.onReset(model);
        return Promise.resolve(true);
      }
      const wanted = models.find(({ id }) => controlId === `model:${id}`);
      const isKnown = wanted !== undefined || faults.press(controlId);
      if (wanted && wanted.id !== model.id) {
        model = wanted;
        notices.note("stage", `Restarting the bot, to answer with: ${wanted.label}`);
        keeper.restart(wanted.env);
      }
      redraw();
      return Promise.resolve(isKnown);
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
