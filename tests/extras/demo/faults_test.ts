import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFaults, type Faults } from "../../../src/extras/demo/faults.ts";
import { TEXTS } from "../../../simulator/page/texts.js";
import { type Simulator, startSimulator } from "../../../simulator/simulator.ts";

async function onSimulator(
  use: (faults: Faults, simulator: Simulator, log: { told: string[]; kills: number }) => void,
) {
  const simulator = await startSimulator();
  const log = { told: [] as string[], kills: 0 };
  const supervisor = {
    pid: () => 1,
    kill: () => void log.kills++,
    restart() {},
    stop() {},
    gaveUp: new Promise<never>(() => {}),
  };
  try {
    use(
      createFaults(simulator, { supervisor, tell: (text) => log.told.push(text) }),
      simulator,
      log,
    );
  } finally {
    await simulator.close();
  }
}

const isOn = (faults: Faults, id: string) =>
  faults.controls().find((control) => control.id === id)?.isOn;

describe("[O5] createFaults()", () => {
  it("has a button for each fault, and rejects other ids", () =>
    onSimulator((faults) => {
      assert.deepEqual(faults.controls().map(({ id }) => id), [
        "op7",
        "op9",
        "acks",
        "limit",
        "kill",
      ]);
      for (const id of ["", "constructor", "__proto__", "model:script"]) {
        assert.equal(faults.press(id), false);
      }
    }));

  it("names no codes and signals on its buttons: those are behind a disclosure", () =>
    onSimulator((faults) => {
      const words = faults.controls().map(({ label, hint }) => `${label} ${hint}`).join("\n");
      assert.doesNotMatch(words, /\bop \d|\b429\b|kill -9|\bpid\b/);
      const [, inside = ""] = /<details id="details">([^]*)<\/details>/.exec(TEXTS.html) ?? [];
      for (const id of ["figures", "notices"]) assert.ok(inside.includes(`id="${id}"`), id);
    }));

  it("withholds heartbeat ACKs until the bot leaves, or until the next press", () =>
    onSimulator((faults, simulator) => {
      assert.equal(faults.press("acks"), true);
      assert.equal(simulator.faults.gateway.swallowAcks, true);
      assert.equal(isOn(faults, "acks"), true);
      faults.settle(); // no bot is connected
      assert.equal(simulator.faults.gateway.swallowAcks, false);
      faults.press("acks");
      faults.press("acks");
      assert.equal(simulator.faults.gateway.swallowAcks, false);
    }));

  it("rate-limits only the next message", () =>
    onSimulator((faults, simulator, { told }) => {
      faults.press("limit");
      faults.press("limit"); // twice is once
      assert.equal(isOn(faults, "limit"), true);
      faults.settle();
      assert.equal(isOn(faults, "limit"), true, "until it has hit");
      const take = () => simulator.faults.rest.take("POST", "/channels/:id/messages");
      assert.equal(take()?.kind, "rate_limit");
      assert.equal(take(), undefined);
      faults.settle();
      assert.equal(isOn(faults, "limit"), false);
      assert.equal(told.length, 1);
    }));

  it("kills the bot", () =>
    onSimulator((faults, _simulator, log) => {
      faults.press("kill");
      assert.equal(log.kills, 1);
    }));
});
