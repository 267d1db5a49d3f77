import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { acquireInstance, type InstancePorts } from "../../../src/cli/shared/sole_instance.ts";
import type { Ended } from "../../../src/host/process/boot.ts";
import type { Lock, LockHolder, TokenLock } from "../../../src/host/locks/lock.ts";
import { recordingLog } from "../../support/recording_log.ts";

const OPTIONS = {
  dataDir: "/srv/bot",
  bots: ["https://discord.com/api MTA.x.y"],
  isForced: false,
  graceMs: 20_000,
  startedAt: 5,
};

const FIRST: LockHolder = { pid: 500, startedAt: 1, bootId: "boot-1", startTicks: 4711 };

type Taken = { readonly heldBy?: LockHolder } | "free" | "unsupported";

/** Results of successive attempts to take a lock; the last one repeats. */
function world(
  found: {
    readonly data?: readonly Taken[];
    readonly token?: readonly Taken[];
    readonly ended?: Ended;
    /** A pid that no process has. */
    readonly gone?: number;
  },
) {
  const done: string[] = [];
  const { log, lines } = recordingLog();
  const next = (list: readonly Taken[] = ["free"], before: number) =>
    list[Math.min(before, list.length - 1)] ?? "free";
  let dataTries = 0;
  let tokenTries = 0;
  const heldLock = (name: string): Lock => ({
    kind: "held",
    lastExitCode: undefined,
    setHttp: (address) => void done.push(`http ${address}`),
    setPortInUse: (port) => void done.push(`port in use ${port}`),
    release: () => void done.push(`${name} released`),
  });
  const ports: InstancePorts = {
    acquireData(path, now): Promise<Lock> {
      done.push(`data ${path} ${now}`);
      const lock = next(found.data, dataTries++);
      if (typeof lock === "object") return Promise.resolve({ kind: "taken", ...lock });
      return Promise.resolve(heldLock("data"));
    },
    acquireToken(token, { startedAt, dataDir }): Promise<TokenLock> {
      done.push(`token ${token} ${startedAt} ${dataDir}`);
      const lock = next(found.token, tokenTries++);
      if (typeof lock === "object") return Promise.resolve({ kind: "taken", ...lock });
      return Promise.resolve(lock === "unsupported" ? { kind: lock } : heldLock("token"));
    },
    end({ pid }, graceMs) {
      done.push(`end ${pid} ${graceMs}`);
      return Promise.resolve(found.ended ?? { kind: "ended", by: "SIGTERM" });
    },
    isGone: ({ pid }) => found.gone === pid,
    sleep: () => Promise.resolve(),
  };
  return { ports, done, log, lines };
}

const TAKE_DATA = "data /srv/bot/lock 5";
const TAKE_TOKEN = "token https://discord.com/api MTA.x.y 5 /srv/bot";

describe("[G11] acquireInstance()", () => {
  it("[X2] waits for a command that has the data, but for no bot", async () => {
    const command = { heldBy: { ...FIRST, isCommand: true } } as const;
    const waiting = world({ data: [command, command, "free"] });
    (await acquireInstance(OPTIONS, waiting.log, waiting.ports)).release();
    assert.deepEqual(waiting.done.slice(0, 3), [TAKE_DATA, TAKE_DATA, TAKE_DATA]);
    const refused = world({ data: [{ heldBy: FIRST }, "free"] });
    await assert.rejects(acquireInstance(OPTIONS, refused.log, refused.ports), /pid 500/);
    assert.deepEqual(refused.done, [TAKE_DATA]);
  });

  it("[X2] waits for a command that the lock file does not describe yet", async () => {
    const before = world({ data: [{}, { heldBy: FIRST }, "free"], gone: FIRST.pid });
    (await acquireInstance(OPTIONS, before.log, before.ports)).release();
    assert.deepEqual(before.done.slice(0, 3), [TAKE_DATA, TAKE_DATA, TAKE_DATA]);
  });

  it("[C6] takes the locks of all bots, or none: here another process holds the second one", async () => {
    const { ports, done, log } = world({ token: ["free", { heldBy: FIRST }] });
    const options = { ...OPTIONS, bots: ["one", "two", "three"] };
    await assert.rejects(acquireInstance(options, log, ports), { name: "InstanceTakenError" });
    assert.deepEqual(done, [
      TAKE_DATA,
      "token one 5 /srv/bot",
      "token two 5 /srv/bot",
      "token released",
      "data released",
    ]);
  });

  it("[C9] takes and releases locks as reloads add and remove bots", async () => {
    const { ports, done, log } = world({});
    const instance = await acquireInstance({ ...OPTIONS, bots: ["one"] }, log, ports);
    await instance.addBots(["one", "two"]);
    instance.keepBots(["two"]);
    assert.deepEqual(done, [
      TAKE_DATA,
      "token one 5 /srv/bot",
      "token two 5 /srv/bot",
      "token released",
    ]);
  });

  it("[C9] ends no process for a bot that a reload adds, even with --force", async () => {
    const { ports, done, log } = world({ token: ["free", { heldBy: FIRST }] });
    const options = { ...OPTIONS, bots: ["one"], isForced: true };
    const instance = await acquireInstance(options, log, ports);
    await assert.rejects(instance.addBots(["two"]), { name: "InstanceTakenError" });
    assert.ok(!done.some((call) => call.startsWith("end")));
  });

  it("starts without token locks if the system has none, and warns", async () => {
    const { ports, log, lines } = world({ token: ["unsupported"] });
    (await acquireInstance(OPTIONS, log, ports)).release();
    assert.deepEqual(lines.map(({ level }) => level), ["warn"]);
    assert.match(lines[0]?.event ?? "", /no lock for bot tokens; make sure/);
  });

  it("gives up on an instance that restarts whenever it is ended", async () => {
    const { ports, done, log } = world({ data: [{ heldBy: FIRST }] });
    await assert.rejects(acquireInstance({ ...OPTIONS, isForced: true }, log, ports), {
      message: /pid 500\) uses \/srv\/bot and restarts .*systemctl stop/,
    });
    assert.equal(done.filter((call) => call.startsWith("end")).length, 3);
  });

  it("ends no process if the holder is unknown", async () => {
    const { ports, done, log } = world({ token: [{}] });
    await assert.rejects(acquireInstance({ ...OPTIONS, isForced: true }, log, ports), {
      message: /of unknown pid runs on this machine .*container/,
    });
    assert.deepEqual(done, [TAKE_DATA, TAKE_TOKEN, "data released"]);
  });

  it("gives up on a lock whose process does not exist", async () => {
    const { ports, done, log } = world({ data: [{ heldBy: FIRST }], ended: { kind: "gone" } });
    await assert.rejects(acquireInstance({ ...OPTIONS, isForced: true }, log, ports), {
      message: /uses \/srv\/bot; it may run in a container/,
    });
    assert.deepEqual(done, [TAKE_DATA, "end 500 20000", TAKE_DATA, "end 500 20000"]);
  });

  for (const why of ["self", "system", "unproven", "forbidden", "survived"] as const) {
    it(`does not start beside an instance that it could not end: ${why}`, async () => {
      const { ports, log } = world({ data: [{ heldBy: FIRST }], ended: { kind: "refused", why } });
      await assert.rejects(acquireInstance({ ...OPTIONS, isForced: true }, log, ports), {
        name: "InstanceTakenError",
        message: /^Another instance uses \/srv\/bot; .*(stop|remove|see)/,
      });
    });
  }
});
