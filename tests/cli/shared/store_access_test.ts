import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { EXIT } from "../../../src/cli/shared/exit_code.ts";
import { openForCommand, UnansweredError } from "../../../src/cli/shared/store_access.ts";
import { createCallHandler, toRequest } from "../../../src/cli/shared/store_methods.ts";
import { askSocket, serveSocket } from "../../../src/host/bot_socket.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { acquireLock } from "../../../src/host/locks/lock.ts";
import { StoreError } from "../../../src/store/database/database_files.ts";
import { openStore, type Store } from "../../../src/store/store.ts";
import { ACCOUNT, guildMessage } from "../../support/discord/builders.ts";
import { sameData } from "../../support/same_data.ts";
import { accepted, batch, frozen } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { holderOf, isHeld } from "../../../src/cli/shared/running_bot.ts";

const NOW = Date.UTC(2026, 0, 1);
const WAIT = { greetingMs: 60_000, answerMs: 60_000 };

/** A data directory whose lock this process has, as a bot. */
async function openBot(dataDir: string, change: (store: Store) => Store = (store) => store) {
  const lock = await acquireLock(join(dataDir, "lock"), NOW);
  assert.ok(lock.kind === "held");
  const store = openStore(join(dataDir, DATABASE_NAME), { now: NOW, elapsed: () => 0 });
  const written: string[] = [];
  const handler = createCallHandler(change(store), (namespace) => written.push(namespace));
  const server = await serveSocket(dataDir, handler);
  return {
    store,
    written,
    server,
    async [Symbol.asyncDispose]() {
      await server.close();
      store.close();
      lock.release();
    },
  };
}

/** @param greetingMs Long, so that a busy machine is no hanging bot. */
async function open(dataDir: string, greetingMs = 60_000) {
  const opened = await openForCommand(dataDir, greetingMs);
  assert.ok(opened);
  return opened;
}

describe("[X2] openForCommand()", () => {
  it("opens the store itself while no process has the lock, and holds it meanwhile", async () => {
    using folder = tempDirectory();
    openStore(join(folder.path, DATABASE_NAME), { now: NOW, elapsed: () => 0 }).close();
    const { store, holder, close } = await open(folder.path);
    assert.equal(holder, "us");
    assert.equal((await acquireLock(join(folder.path, "lock"), NOW)).kind, "taken");
    await store.settings.changePause(ACCOUNT, { to: true, by: "cli" }, NOW);
    await close();
    const next = await open(folder.path);
    assert.equal(await next.store.settings.isPaused(ACCOUNT), true);
    await next.close();
  });

  it("creates nothing where there is no store", async () => {
    using folder = tempDirectory();
    assert.equal(await openForCommand(folder.path), undefined);
    assert.ok(!existsSync(join(folder.path, "lock")));
  });

  it("reads the newest changes of a bot, and lets it carry out its own", async () => {
    using folder = tempDirectory();
    await using bot = await openBot(folder.path);
    const message = guildMessage();
    await bot.store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
    const { store, holder, close } = await open(folder.path);
    assert.equal(holder, "another");
    assert.equal(
      (await store.messages.messageRecordOf({ messageId: message.id }))?.messageId,
      message.id,
    );
    const change = { to: true, by: "cli" };
    sameData(await store.settings.changePause(ACCOUNT, change, NOW), {
      pause: { by: "cli", since: NOW },
      isChanged: true,
    });
    assert.equal(await bot.store.settings.isPaused(ACCOUNT), true, "in its memory, at once");
    assert.equal(await store.settings.isPaused(ACCOUNT), false, "read before");
    sameData(await store.settings.pauseOf(ACCOUNT), { by: "cli", since: NOW });
    assert.deepEqual(bot.written, ["settings"]);
    await close();
  });

  it("gives files to the bot as they are, and a repeated message once", async () => {
    using folder = tempDirectory();
    await using bot = await openBot(folder.path);
    const { store, close } = await open(folder.path);
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 256);
    const file = { name: "a.bin", alt: "all bytes", bytes };
    const messages = [frozen({ nonce: "one" }), { ...frozen({ nonce: "two" }), files: [file] }];
    const rows = await store.outbox.addAll(messages, NOW);
    sameData(await store.outbox.addAll(messages, NOW), rows);
    sameData(await bot.store.outbox.filesOf(rows[1]!), [file]);
    const results = await store.outbox.sendResultsOf(rows.map(({ id }) => id));
    assert.deepEqual(results.map(({ kind }) => kind), ["waits", "waits"]);
    assert.deepEqual(bot.written, ["outbox", "outbox"], "a read wakes no queue");
    await close();
  });

  it("carries a failure of the disk over, with its kind, its cause and the next step", async () => {
    using folder = tempDirectory();
    const cause = new Error("database or disk is full");
    const full = new StoreError("Cannot write: free some space", {
      kind: "full",
      path: "/data/x",
      cause,
    });
    await using _bot = await openBot(folder.path, (store) => ({
      ...store,
      settings: { ...store.settings, changePause: () => Promise.reject(full) },
    }));
    const { store, close } = await open(folder.path);
    await assert.rejects(
      store.settings.changePause(ACCOUNT, { to: true, by: "cli" }, NOW),
      (error) =>
        error instanceof StoreError && error.kind === "full" && error.path === "/data/x" &&
        error.message === full.message && String(error.cause).includes("disk is full"),
    );
    await close();
  });

  it("says that the outcome is unknown if the bot ends before its answer", async () => {
    using folder = tempDirectory();
    await using bot = await openBot(folder.path, (store) => ({
      ...store,
      settings: {
        ...store.settings,
        async changePause(...args) {
          await store.settings.changePause(...args);
          return await Promise.withResolvers<never>().promise;
        },
      },
    }));
    const { store, close } = await open(folder.path);
    const changing = store.settings.changePause(ACCOUNT, { to: true, by: "cli" }, NOW);
    const failed = assert.rejects(
      changing,
      (error) => error instanceof UnansweredError && error.isLost && /or not/.test(error.message),
    );
    while (!await bot.store.settings.isPaused(ACCOUNT)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await bot.server.close(); // ends the connection after a while
    await failed;
    await close();
  });
});

describe("[X2] createCallHandler()", () => {
  const invalid: readonly (readonly [name: string, text: string])[] = [
    ["no JSON", "pause!"],
    ["another form", '{"method":"outbox.release","args":[]}'],
    ["an unknown method", '{"call":"outbox.empty","args":[]}'],
    ["a method that is not listed", '{"call":"inbox.acceptBatch","args":[{},1]}'],
    ["a name of every object", '{"call":"toString","args":[]}'],
    ["missing arguments", '{"call":"outbox.release","args":[1]}'],
    ["an argument of another type", '{"call":"outbox.release","args":["1","drop"]}'],
    ["too many arguments", '{"call":"notes.remove","args":[1,2]}'],
    ["a file that does not exist", '{"call":"outbox.addAll","args":[[{"$file":7}],1]}'],
    [
      "a decision of another person",
      '{"call":"settings.changePause","args":["default",{"to":"other","by":"cli"},1]}',
    ],
    [
      "a time after the last one of a date",
      '{"call":"settings.changePause","args":["default",{"to":true,"by":"cli"},9000000000000000]}',
    ],
  ];
  for (const [name, text] of invalid) {
    it(`refuses ${name}, and changes nothing`, async () => {
      using folder = tempDirectory();
      await using bot = await openBot(folder.path);
      const answer = await askSocket(folder.path, { text, files: [] }, WAIT);
      assert.ok(answer.kind === "answered");
      assert.match(
        JSON.parse(answer.text).failure.message,
        /^the running bot is of another version/,
      );
      assert.deepEqual(bot.written, []);
    });
  }

  it("says in one sentence that a method of another version is not known here", async () => {
    using folder = tempDirectory();
    await using _bot = await openBot(folder.path);
    const { text } = toRequest("notes.remove", [1]);
    const request = { text: text.replace("remove", "removeAll"), files: [] };
    const answer = await askSocket(folder.path, request, WAIT);
    assert.ok(answer.kind === "answered");
    const { message, code } = JSON.parse(answer.text).failure;
    assert.match(message, /^the running bot is of another version; restart it with this one/);
    assert.equal(code, EXIT.tryAgain);
  });
});

describe("[O3] isHeld()", () => {
  it("is false if no bot ever ran", async () => {
    using folder = tempDirectory();
    assert.equal(await isHeld(folder.path), false);
    assert.equal(await isHeld(join(folder.path, "none")), false);
  });

  it("tells a running bot from a stopped one, and changes neither's record", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, "lock");
    const lock = await acquireLock(path, NOW);
    assert.ok(lock.kind === "held");
    lock.setHttp("127.0.0.1:8787", "key");
    const words = readFileSync(path, "utf8");
    assert.equal(await isHeld(folder.path), true);
    lock.release();
    assert.equal(await isHeld(folder.path), false);
    assert.equal(readFileSync(path, "utf8"), words);
    assert.equal(holderOf(folder.path)?.http, "127.0.0.1:8787");
  });

  it("releases the lock for a bot that starts right afterwards", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, "lock");
    const first = await acquireLock(path, NOW);
    if (first.kind === "held") first.release();
    await isHeld(folder.path);
    const second = await acquireLock(path, NOW);
    assert.equal(second.kind, "held");
    if (second.kind === "held") second.release();
  });
});
