import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createBySecrets, createLoader, createNewestSet } from "../../src/lib/cache.ts";
import { createSecretFilter } from "../../src/render/safety/secrets.ts";

describe("createNewestSet()", () => {
  it("keeps the newest members, up to its maximum", () => {
    const newest = createNewestSet<number>(3);
    for (const member of [1, 2, 3, 1, 4]) newest.add(member);
    assert.equal(newest.size, 3);
    assert.deepEqual([1, 2, 3, 4].filter(newest.has), [1, 3, 4]);
  });
});

describe("[SEC-R10] [C9] createBySecrets()", () => {
  const first = "first-secret-of-all-4711";
  const second = "second-secret-read-later-4712";

  it("includes a secret as soon as a config brings it", () => {
    let secrets = [first];
    const clean = createBySecrets(() => secrets, createSecretFilter);
    assert.equal(clean(`${first} ${second}`).found, 1);
    secrets = [first, second];
    assert.equal(clean(`${first} ${second}`).found, 2);
  });

  it("creates nothing before the first text, and nothing again without a new secret", () => {
    let made = 0;
    const length = createBySecrets(() => [first], (secrets) => {
      made++;
      return () => secrets.length;
    });
    assert.equal(made, 0);
    assert.deepEqual([length("a"), length("b"), made], [1, 1, 1]);
  });
});

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
