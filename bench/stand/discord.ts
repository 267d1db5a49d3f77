/**
 * The simulated Discord of the benches: the lean one of `lean_discord.ts`, or the full simulator
 * for benches about Discord's rules or faults.
 */

import { demoWorld } from "../../simulator/actions/demo_world.ts";
import { addChannel } from "../../simulator/world/create_world.ts";
import {
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from "../../simulator/simulator.ts";

export interface Discord {
  readonly apiUrl: string;
  readonly token: string;
  /** The guilds in which the bot may answer. */
  readonly guildIds: readonly string[];
  /** Names of those guilds' channels, besides `general`. */
  readonly channels: readonly string[];
  /** Number of arrived IDENTIFYs and RESUMEs. */
  openings(): number;
  isOnline(): boolean;
  /** Posts a message in a channel, with a mention of the bot if asked to. */
  say(channel: string, text: string, mentionsBot: boolean): void;
  /** Calls `listener` when a request arrives that creates a message. */
  onPost(listener: () => void): void;
  /** Waits until `check` holds. @throws The signal's reason, if it is aborted first. */
  until(check: () => boolean, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface SimulatedDiscord extends Discord {
  readonly simulator: Simulator;
}

/** Number of channels in which people write at once. */
export const CHANNELS = 50;

/** The simulator of the tests: strict, with all faults, and slower than a bot. */
export async function startSimulatedDiscord(
  options: Pick<SimulatorOptions, "rateLimits" | "heartbeatIntervalMs">,
): Promise<SimulatedDiscord> {
  const { world, krill, barnacle } = demoWorld();
  const channels = Array.from({ length: CHANNELS }, (_, number) => `krill-${number}`);
  for (const channel of channels) addChannel(world, krill, { name: channel }, Date.now());
  const simulator = await startSimulator({
    world,
    application: barnacle,
    requestLogLimit: 100,
    ...options,
  });
  const { identifies, resumes } = simulator.account();
  const mention = `<@${barnacle.userId}> `;
  return {
    simulator,
    apiUrl: simulator.apiUrl,
    token: simulator.token,
    guildIds: [krill.id],
    channels,
    openings: () => identifies.length + resumes.length,
    isOnline: () => simulator.connected() > 0,
    say: (channel, text, mentionsBot) =>
      void simulator.say({ as: "grace", in: channel, text: mentionsBot ? mention + text : text }),
    onPost: (listener) =>
      void simulator.requests.subscribe(({ method, route }) => {
        if (method === "POST" && route === "/channels/:id/messages") listener();
      }),
    async until(check, signal) {
      await simulator.until(() => check() || undefined, signal);
    },
    close: () => simulator.close(),
  };
}

/** Milliseconds between two checks if no event triggers them. */
const LOOK_EVERY_MS = 10;

/** @param waiting Holds the check while it waits; its owner calls all of them after each event. */
export function waitUntil(
  check: () => boolean,
  signal: AbortSignal,
  waiting: Set<() => void>,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = (): void => {
    try {
      if (check()) resolve();
    } catch (error) {
      reject(error); // the check threw: its caller gets the error
    }
  };
  const giveUp = (): void => reject(signal.reason);
  const timer = setInterval(look, LOOK_EVERY_MS);
  signal.addEventListener("abort", giveUp);
  waiting.add(look);
  look();
  return promise.finally(() => {
    clearInterval(timer);
    signal.removeEventListener("abort", giveUp);
    waiting.delete(look);
  });
}
