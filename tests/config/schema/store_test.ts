import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { botConfigOf, load } from "../support.ts";

const URL = "postgres://bot:secret@db.example.org/barnacle";

const withPartitions = (rest: object, store: object = { url: URL }): string =>
  JSON.stringify({ store: { ...store, partitions: 4 }, ...rest });

async function problemsOf(text: string): Promise<readonly string[]> {
  const { problems } = await load(text);
  return problems.filter(({ path }) => path === "store.partitions").map(({ severity, message }) =>
    `${severity} ${message}`
  );
}

describe("[O16] store.partitions", () => {
  it("is 1 by default, and needs a database that the processes share", async () => {
    assert.equal((await botConfigOf("{}")).store.partitions, 1);
    assert.equal((await botConfigOf(withPartitions({}))).store.partitions, 4);
    assert.deepEqual(await problemsOf(withPartitions({}, {})), [
      "error Several partitions need a database that the processes share",
    ]);
  });

  it("permits hooks, feeds and programs of the API", async () => {
    const to = "channel:123456789012345678";
    const feeds = { news: { url: "https://example.org/feed", to } };
    const hooks = { uptime: { to, secret: "9Fd2Kq7Lx4Vb8Nz1Tc6Rw3Ym5Gp0Hj2Q" } };
    assert.deepEqual(await problemsOf(withPartitions({ feeds, hooks })), []);
    const programs = {
      editor: { token: "9Fd2Kq7Lx4Vb8Nz1Tc6Rw3Ym5Gp0Hj2Q", user: "123456789012345678" },
    };
    assert.deepEqual(await problemsOf(withPartitions({ api: { programs } })), []);
  });
});
