import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  forgetManager,
  loadNotify,
  type NotifyEnv,
  toSocketAddress,
  watchdogMsOf,
} from "../../../src/host/process/sd_notify.ts";
import { openNotifySocket } from "../../support/process/notify_socket.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

function unexpected(message: string): never {
  throw new Error(message);
}

describe("[O4] loadNotify()", () => {
  for (const kind of ["path", "abstract"]) {
    it(`sends its lines unchanged to a socket named by ${kind}`, async () => {
      using directory = tempDirectory();
      const name = kind === "path"
        ? join(directory.path, "notify")
        : `@barnacle-test-${randomBytes(8).toString("hex")}`;
      using manager = await openNotifySocket(name);
      const notify = await loadNotify({ NOTIFY_SOCKET: name }, unexpected);
      assert.equal(notify("READY=1\nSTATUS=bereit für 日本"), true);
      assert.equal(notify("WATCHDOG=1"), true);
      assert.deepEqual(manager.received(), ["READY=1\nSTATUS=bereit für 日本", "WATCHDOG=1"]);
    });
  }

  it("does not wait for a manager that reads nothing, and reports the failure", async () => {
    using directory = tempDirectory();
    const name = join(directory.path, "notify");
    using manager = await openNotifySocket(name);
    const notify = await loadNotify({ NOTIFY_SOCKET: name }, unexpected);
    let sent = 0;
    while (sent < 100_000 && notify("WATCHDOG=1")) sent++;
    assert.ok(sent > 0 && sent < 100_000, `${sent}`);
    assert.equal(manager.received().length, sent);
    assert.equal(notify("WATCHDOG=1"), true); // there is room again
  });

  it("reports a failure once the manager has stopped listening", async () => {
    using directory = tempDirectory();
    const name = join(directory.path, "notify");
    const manager = await openNotifySocket(name);
    const notify = await loadNotify({ NOTIFY_SOCKET: name }, unexpected);
    manager[Symbol.dispose]();
    assert.equal(notify("READY=1"), false);
  });

  it("sends nothing without a manager of this kind", async () => {
    for (
      const [env, platform] of [[{}, "linux"], [{ NOTIFY_SOCKET: "" }, "linux"], [
        { NOTIFY_SOCKET: "/run/x" },
        "darwin",
      ]] as const
    ) {
      assert.equal((await loadNotify(env, unexpected, platform))("READY=1"), false);
    }
  });

  it("reports an invalid name once, and continues", async () => {
    const said: string[] = [];
    const notify = await loadNotify({ NOTIFY_SOCKET: "vsock:2:3" }, (one) => said.push(one));
    assert.equal(notify("READY=1"), false);
    assert.equal(notify("WATCHDOG=1"), false);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? "", /NOTIFY_SOCKET.*vsock:2:3/);
  });
});

describe("[O4] toSocketAddress()", () => {
  it("ends a path with a zero byte, and begins an abstract name with one", () => {
    assert.deepEqual([...toSocketAddress("/a") ?? []], [1, 0, 0x2f, 0x61, 0]);
    assert.deepEqual([...toSocketAddress("@a") ?? []], [1, 0, 0, 0x61]);
  });

  it("accepts a name of the maximum length, and no longer one", () => {
    assert.equal(toSocketAddress(`/${"x".repeat(106)}`)?.length, 110);
    assert.equal(toSocketAddress(`/${"x".repeat(107)}`), undefined);
    assert.equal(toSocketAddress(`@${"x".repeat(107)}`)?.length, 110);
    assert.equal(toSocketAddress(`@${"x".repeat(108)}`), undefined);
    assert.equal(toSocketAddress(`/${"é".repeat(54)}`), undefined);
  });

  it("refuses a relative path", () => {
    assert.equal(toSocketAddress("run/notify"), undefined);
  });
});

describe("[O4] watchdogMsOf()", () => {
  const CASES: readonly (readonly [env: NotifyEnv, ms: number | undefined])[] = [
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 30_000],
    [{ WATCHDOG_USEC: "30000000" }, 30_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "" }, 30_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "8" }, undefined],
    [{ WATCHDOG_USEC: "1" }, 0.001],
    [{ WATCHDOG_USEC: "0" }, undefined],
    [{ WATCHDOG_USEC: "-1" }, undefined],
    [{ WATCHDOG_USEC: "soon" }, undefined],
    [{ WATCHDOG_USEC: "1e9" }, undefined],
    [{ WATCHDOG_PID: "7" }, undefined],
    [{}, undefined],
  ];
  for (const [env, ms] of CASES) {
    it(`reads ${JSON.stringify(env)} as ${ms}`, () => assert.equal(watchdogMsOf(env, 7), ms));
  }
});

describe("[O4] forgetManager()", () => {
  it("removes the variables with which a child could report in our name", () => {
    const env = { NOTIFY_SOCKET: "/x", WATCHDOG_USEC: "1", WATCHDOG_PID: "2", PATH: "/bin" };
    forgetManager(env);
    assert.deepEqual(env, { PATH: "/bin" });
  });
});
