import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { turnEnded } from "../../../src/flows/turn/answer.ts";
import { testAccount } from "../../support/bot/test_account.ts";

/** The engine's switch, in the place of this runtime's own while the test lasts. */
function spiedJit() {
  const scales: number[] = [];
  const before = Reflect.getOwnPropertyDescriptor(globalThis, "Bun");
  const fake = { unsafe: { setJITPolicy: (scale: number) => void scales.push(scale) } };
  const bun: unknown = before?.value;
  const unsafe: unknown = typeof bun === "object" && bun && Reflect.get(bun, "unsafe");
  if (typeof unsafe !== "object" || !unsafe) {
    Object.defineProperty(globalThis, "Bun", { value: fake, configurable: true });
    return { scales, [Symbol.dispose]: () => void Reflect.deleteProperty(globalThis, "Bun") };
  }
  const own: unknown = Reflect.get(unsafe, "setJITPolicy");
  Object.assign(unsafe, fake.unsafe);
  return { scales, [Symbol.dispose]: () => void Reflect.set(unsafe, "setJITPolicy", own) };
}

describe("[B3] turnEnded()", () => {
  it("has the engine compile hot code sooner once the bot is busy", async () => {
    using jit = spiedJit();
    const { account } = await testAccount();
    for (let turn = 0; turn < 499; turn++) turnEnded(account, { kind: "interrupted" }, 1, "test/x");
    assert.deepEqual(jit.scales, []);
    turnEnded(account, { kind: "interrupted" }, 1, "test/x");
    assert.deepEqual(jit.scales, [1]);
  });
});
