/**
 * Gives all tests of a suite one running bot, because each start costs half a second of CPU.
 *
 * Each test has a channel of its own (`scene.here`), and sees only messages and requests since its
 * beginning. So a failed test leaves nothing that the next one takes for its own. A test with a config
 * of its own changes that of the running bot.
 */

import assert from "node:assert/strict";
import { after, before } from "node:test";
import type {
  SimulatedProcess,
  Simulation,
} from "../../../src/features/demo/simulation/simulation.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { openStage, type Scene, type SceneOptions, toScene, withSimulation } from "./e2e.ts";

/** More channels than a suite has tests. */
const ROOMS = 40;

/** Options of one test: a config in place of the suite's, and refusals beside those of the suite. */
type Own = Pick<SceneOptions, "discord" | "config" | "mayRefuse">;

type Test = (scene: Scene, bot: SimulatedProcess) => Promise<void>;
type Play = (test: Test, own?: Own | ((scene: Scene) => Own)) => Promise<void>;

/** Plays tests with a shared bot, or each with a bot of its own. */
export type Stage = (test: Test, own: Own) => Promise<void>;

export const ownBot = (options: SceneOptions): Stage => (test, own) =>
  withSimulation({ ...options, ...own }, async (scene) => await test(scene, await scene.start()));

/**
 * Starts a bot before the tests of the suite that calls this, and judges it after them.
 *
 * @param prepare Changes the world before the start.
 */
export function sharedBot(
  options: SceneOptions,
  prepare: (scene: Scene) => Promise<void> | void = () => {},
): Play {
  let rooms = 0;
  let bot: SimulatedProcess;
  let stage: Awaited<ReturnType<typeof openStage>> | undefined;
  let configured: Own = {};
  const refusable: NonNullable<Own["mayRefuse"]>[] = [];

  before(async () => {
    const { world, krill } = demoWorld();
    for (let room = 1; room <= ROOMS; room++) {
      addChannel(world, krill, { name: `room-${room}` }, Date.UTC(2026, 0, 1));
    }
    const opened = stage = await openStage({
      ...options,
      simulator: { world, ...options.simulator },
      mayRefuse: (request) =>
        [options.mayRefuse, ...refusable].some((mayRefuse) => mayRefuse?.(request)),
    });
    const scene = toScene(opened.simulation, options.env);
    await opened.play(async () => {
      await prepare(scene);
      bot = await scene.start();
    });
  });
  after(async () => {
    await stage?.simulation.close();
    stage?.judge();
  });

  /** Gives the running bot the config of a test. */
  async function configure(scene: Scene, own: Own): Promise<void> {
    if (own.discord === configured.discord && own.config === configured.config) return;
    configured = own;
    await reconfigure(scene, bot, { ...options, ...own });
  }

  return async (test, ownOf = {}) => {
    assert.ok(stage, "no bot has started");
    const { simulation } = stage;
    const { gateway, rest } = simulation.simulator.faults;
    const switches = { ...gateway };
    simulation.model.behave("script");
    const scene = toScene(sinceNow(simulation), options.env, `room-${++rooms}`);
    const { mayRefuse, ...own } = typeof ownOf === "function" ? ownOf(scene) : ownOf;
    await stage.play(async () => {
      await configure(scene, own);
      try {
        await test(scene, bot);
      } finally {
        rest.clear();
        Object.assign(gateway, switches);
        const own = new Set(scene.simulator.requests.records());
        if (mayRefuse) refusable.push((request) => own.has(request) && mayRefuse(request));
      }
    });
  };
}

/** Changes the config of a running bot, and waits until it applies, and until its accounts hear again. */
export async function reconfigure(
  { rewrite, until }: Scene,
  { lines }: SimulatedProcess,
  options: Own,
): Promise<void> {
  const before = lines.length;
  const since = (event: RegExp) => lines.slice(before).filter((line) => event.test(line));
  rewrite(options);
  const applied = await until(
    "the config to apply",
    () => since(/"The config (?:applies|was)/).at(-1),
  );
  const reconnects = applied.split("(reconnects)").length - 1;
  await until("accounts to reconnect", () => since(/"The bot is ready"/).length >= reconnects);
}

/** The simulation without messages and requests of earlier tests. */
function sinceNow(simulation: Simulation): Simulation {
  const { simulator, model } = simulation;
  const asked = new Set(model.requests);
  const sent = simulator.requests.records().at(-1)?.number ?? 0;
  const old = new Set<string>(
    [
      [...simulator.world.applications.values()].flatMap((of) => simulator.posted(undefined, of)),
      simulator.failedInteractions(),
      ...[...simulator.world.users.keys()].map(simulator.ephemeral),
    ].flat().map(({ id }) => id),
  );
  const isNew = ({ id }: { readonly id: string }) => !old.has(id);
  return {
    ...simulation,
    model: {
      ...model,
      get requests() {
        return model.requests.filter((request) => !asked.has(request));
      },
    },
    simulator: {
      ...simulator,
      posted: (...of) => simulator.posted(...of).filter(isNew),
      ephemeral: (who) => simulator.ephemeral(who).filter(isNew),
      failedInteractions: () => simulator.failedInteractions().filter(isNew),
      requests: {
        ...simulator.requests,
        records: () => simulator.requests.records().filter(({ number }) => number > sent),
      },
    },
  };
}
