import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLoader } from "../../src/lib/cache.ts";

describe("a loader", () => {
  it("loads at the first use, once", async () => {
    let loads = 0;
    const loader = createLoader(() => Promise.resolve(++loads));
    assert.equal(loader.loading(), undefined);
    const first = loader.get();
    assert.equal(loader.loading(), first);
    assert.deepEqual(await Promise.all([first, loader.get()]), [1, 1]);
    assert.equal(await loader.get(), 1);
  });

  it("rejects each call that waited for a failed load, and the next call tries again", async () => {
    let loads = 0;
    const loader = createLoader(() =>
      ++loads === 1 ? Promise.reject(new Error("no such file")) : Promise.resolve(loads)
    );
    const calls = [loader.get(), loader.get()];
    for (const call of calls) await assert.rejects(call, /no such file/);
    assert.equal(loader.loading(), undefined);
    assert.equal(await loader.get(), 2);
  });
});
