import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createBotPipe, readBotPipe } from "../../src/host/bot_socket.ts";
import { tempDirectory } from "../support/temp_directory.ts";

describe("[SEC-R35] readBotPipe()", () => {
  it("reads the pipe that a bot has written, which is another one at each start", () => {
    using folder = tempDirectory();
    const file = join(folder.path, "bot");
    const pipe = createBotPipe();
    writeFileSync(file, JSON.stringify(pipe));
    assert.deepEqual(readBotPipe(file), pipe);
    assert.notEqual(createBotPipe().path, pipe.path);
    assert.notEqual(createBotPipe().secret, pipe.secret);
  });

  const { path, secret } = createBotPipe();
  const BAD: readonly (readonly [what: string, text: string])[] = [
    ["an empty file", ""],
    ["half a file", JSON.stringify({ path, secret }).slice(0, 40)],
    ["no secret", JSON.stringify({ path })],
    ["a pipe of another machine", JSON.stringify({ path: path.replace(".", "srv"), secret })],
    ["a name that others know", JSON.stringify({ path: "\\\\.\\pipe\\barnacle", secret })],
    ["a file", JSON.stringify({ path: "C:\\x", secret })],
    ["too much", JSON.stringify({ path, secret, more: "x".repeat(5_000) })],
  ];
  for (const [what, text] of BAD) {
    it(`does not take ${what}`, () => {
      using folder = tempDirectory();
      const file = join(folder.path, "bot");
      writeFileSync(file, text);
      assert.equal(readBotPipe(file), undefined);
    });
  }

  it("finds none without a file", () => {
    using folder = tempDirectory();
    assert.equal(readBotPipe(join(folder.path, "bot")), undefined);
  });
});
