import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { openConnection } from "../../../src/discord/gateway/connection.ts";
import { type FakeGateway, startFakeGateway } from "../../support/fake_gateway.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(compress: boolean) {
  const gateway: FakeGateway = await startFakeGateway({ saysHello: false });
  cleanups.push(() => gateway.stop());
  const said: string[] = [];
  const url = new URL(gateway.url + (compress ? "/?compress=zlib-stream" : ""));
  const connection = openConnection({
    url,
    compress,
    tcpKeepaliveSec: 30,
    connectTimeoutMs: 1_000,
  }, {
    onOpen: () => void said.push("open"),
    onText: (text) => void said.push(text),
    onGarbled: (reason) => void said.push(`garbled: ${reason}`),
    onClose: ({ code }) => void said.push(`closed: ${code}`),
  });
  cleanups.push(() => connection.close(3000));
  await gateway.until(() => gateway.connections.length === 1 && said.length === 1, "the 101");
  return { gateway, connection, said };
}

for (const compress of [false, true]) {
  describe(`[G1] [G8] openConnection(), ${compress ? "compressed" : "plain"}`, () => {
    it("tells the end only after all that came before it", async () => {
      const { gateway, said } = await open(compress);
      for (let i = 0; i < 50; i++) gateway.connections[0]!.sendText(`{"i":${i}}`);
      gateway.connections[0]!.close(4000);
      await gateway.until(() => said.at(-1) === "closed: 4000", "the end");
      assert.equal(said.length, 52);
      assert.equal(said[50], '{"i":49}');
    });

    it("says nothing any more once it is closed", async () => {
      const { gateway, connection, said } = await open(compress);
      for (let i = 0; i < 50; i++) gateway.connections[0]!.sendText(`{"i":${i}}`);
      const closed = connection.close(3000);
      const count = said.length;
      await closed;
      await gateway.until(() => gateway.connections[0]!.closeCode !== undefined, "the close");
      assert.equal(said.length, count);
      assert.equal(gateway.connections[0]!.closeCode, 3000);
    });

    it("lets the server wait while its reader has had enough", async () => {
      const { gateway, connection, said } = await open(compress);
      connection.setPaused(true);
      gateway.connections[0]!.sendText("{}");
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.deepEqual(said, ["open"]);
      connection.setPaused(false);
      await gateway.until(() => said.length === 2, "the text");
    });
  });
}
