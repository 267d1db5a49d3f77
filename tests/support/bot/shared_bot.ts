/**
 * Gives all tests of a suite one running bot, because each start costs half a second of CPU.
 *
 * Each test has a channel of its own (`scene.here`), and sees only messages and requests since its
 * beginning. So a failed test leaves nothing that the next one takes for its own.
 */

import assert from "node:assert/strict";
import { after, before } from "node:test";
import type {
  SimulatedProcess,
  Simulation,
} from "../../../src/extras/demo/simulation/simulation.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { openStage, type Scene, type SceneOptions, toScene } from "./e2e.ts";

/** More channels than a suite has tests. */
const ROOMS = 40;

type Play = (test: (scene: Scene, bot: SimulatedProcess) => Promise<void>) => Promise<void>;

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

  before(async () => {
    const { world, krill } = demoWorld();
    for (let room = 1; room <= ROOMS; room++) {
      addChannel(world, krill, { name: `room-${room}` }, Date.UTC(2026, 0, 1));
    }
    const opened = stage = await openStage({
      ...options,
      simulator: { world, ...options.simulator },
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

  return async (test) => {
    assert.ok(stage, "no bot has started");
    stage.simulation.model.behave("script");
    const scene = toScene(sinceNow(stage.simulation), options.env, `room-${++rooms}`);
    await stage.play(() => test(scene, bot));
  };
}

/** The simulation without messages and requests of earlier tests. */
function sinceNow(simulation: Simulation): Simulation {
  const { simulator, model } = simulation;
  const asked = new Set(model.requests);
  const sent = simulator.requests.records().at(-1)?.number ?? 0;
  const old = new Set<string>(
    [
      simulator.posted(),
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
