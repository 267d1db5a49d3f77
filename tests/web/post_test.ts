import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import { postJson } from "../../src/web/post.ts";

it("[T16] postJson() › follows no redirect: the body and the headers are for one address", async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? "");
    const status = Number(request.url?.slice(1)) || 200;
    response.writeHead(status, status === 200 ? {} : { location: "/elsewhere" }).end("moved");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const send = (path: string) => {
    const target = { name: "shop", url: `http://127.0.0.1:${port}${path}`, headers: { key: "k" } };
    const { signal } = new AbortController();
    return postJson(target, { order: 1 }, { fetch, version: "1", signal });
  };
  try {
    const statuses = [301, 302, 303, 307, 308];
    for (const status of statuses) {
      await assert.rejects(send(`/${status}`), new RegExp(`shop answered with status ${status}`));
    }
    assert.deepEqual(seen, statuses.map((status) => `/${status}`));
    assert.equal(await send("/"), "[status 200]\nmoved");
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
