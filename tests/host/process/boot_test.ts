import assert from "node:assert/strict";
import process from "node:process";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  hostTimezone,
  isContainer,
  isService,
  isServiceGroup,
  readBootId,
  untilIdle,
} from "../../../src/host/process/boot.ts";
import { readPid } from "../../../src/host/process/end_process.ts";
import { skipUnless } from "../../support/skip.ts";
import { librariesOf, loadLibc } from "../../../src/host/process/libc.ts";

const UNIT = readFileSync(
  join(import.meta.dirname!, "..", "..", "..", "packaging", "systemd", "barnacle.service"),
  "utf8",
);

/** A `/proc` of the test's own; a file that it does not have is missing. */
function proc(files: Readonly<Record<string, string>>) {
  return (path: string): string => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(path), { code: "ENOENT" });
    return text;
  };
}

/** As the kernel writes it; field 22 is the 19th after the state. */
function stat(name: string, state: string, startTicks: string): string {
  const between = Array.from({ length: 18 }, (_, index) => index + 1).join(" ");
  return `12 (${name}) ${state} ${between} ${startTicks} 99 98 97\n`;
}

const RUNS = { kind: "running", startTicks: 4711 };

describe("[G11] readPid()", () => {
  const known = (text: string) => ({ "/proc/12/stat": text });
  const CASES = [
    ["one that runs", known(stat("barnacle", "S", "4711")), RUNS],
    ["one whose name looks like fields", known(stat("a) Z 1 (b", "R", "4711")), RUNS],
    ["one that has ended, unasked", known(stat("x", "Z", "4711")), { kind: "gone" }],
    ["one that is being buried", known(stat("x", "X", "4711")), { kind: "gone" }],
    ["one that is not there", { "/proc/self/stat": stat("x", "R", "1") }, { kind: "gone" }],
    ["any process, without /proc", {}, { kind: "unknown" }],
    ["one of another kernel's form", known("12 (x) R 1 2"), { kind: "unknown" }],
  ] as const;
  for (const [name, files, facts] of CASES) {
    it(`recognises ${name}`, () => assert.deepEqual(readPid(12, proc(files)), facts));
  }

  it("tells this process from its child, in the same form each time", async () => {
    const child = spawn("/bin/sleep", ["30"], { stdio: "ignore" });
    assert.ok(child.pid !== undefined);
    const own = readPid(process.pid);
    assert.equal(own.kind, "running");
    const other = readPid(child.pid);
    assert.deepEqual(readPid(child.pid), other);
    assert.notDeepEqual(other, own);
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.deepEqual(readPid(child.pid), { kind: "gone" });
  });
});

describe("[G11] readBootId()", () => {
  it("reads the kernel's id, without its line break", () => {
    const path = "/proc/sys/kernel/random/boot_id";
    assert.equal(readBootId(proc({ [path]: "5f2c-1\n" })), "5f2c-1");
    assert.equal(readBootId(), readBootId());
    assert.match(readBootId() ?? "", /^[0-9a-f-]{36}$/);
  });

  it("reads the service manager's if the unit hides the kernel's", () => {
    const told = "5f2c00112233445566778899aabbccdd";
    assert.equal(readBootId(proc({}), { BARNACLE_BOOT_ID: told }), told);
    const kernel = { "/proc/sys/kernel/random/boot_id": "the kernel's" };
    assert.equal(readBootId(proc(kernel), { BARNACLE_BOOT_ID: told }), "the kernel's");
    assert.match(UNIT, /^Environment=BARNACLE_BOOT_ID=%b$/m);
  });

  it("returns nothing if neither exists, or the text is no id", () => {
    for (const told of [undefined, "", "%b", "${BOOT}", "5f2c"]) {
      assert.equal(readBootId(proc({}), { BARNACLE_BOOT_ID: told }), undefined);
    }
  });
});

/** A machine without traces of an engine, except for the given ones. */
const seen = (path = "", cgroup = "0::/init.scope\n") =>
  [(one: unknown) => one === path, () => cgroup] as const;

describe("[O8] isContainer()", () => {
  it("detects Kubernetes and Podman by their variables", () => {
    assert.equal(isContainer({ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, ...seen()), true);
    for (const container of ["podman", "oci", "docker"]) {
      assert.equal(isContainer({ container }, ...seen()), true);
    }
  });

  const MARKS: readonly ReturnType<typeof seen>[] = [
    seen("/.dockerenv"),
    seen("/run/.containerenv"),
    seen("", "12:cpu:/docker/0123\n"),
    seen("", "0::/kubepods/besteffort/pod1\n"),
    seen("", "0::/lxc/101/docker/0123\n"), // an engine within a machine of LXC
  ];
  it("detects engines by their files", () => {
    for (const ports of MARKS) assert.equal(isContainer({}, ...ports), true);
    assert.equal(isContainer({}, ...seen()), false);
  });

  it("counts LXC and systemd-nspawn as machines, because they have their own name servers", () => {
    for (const container of ["lxc", "lxc-libvirt", "systemd-nspawn"]) {
      assert.equal(isContainer({ container }, ...seen()), false);
    }
    assert.equal(isContainer({}, ...seen("", "0::/lxc/101\n")), false);
    assert.equal(isContainer({}, ...seen("", "0::/lxc.payload.web\n")), false);
  });

  it("never throws on this machine", () => {
    assert.equal(typeof isContainer({}), "boolean");
  });
});

describe("[SEC-R38] isServiceGroup()", () => {
  const groups: readonly (readonly [text: string, expected: boolean])[] = [
    ["0::/system.slice/barnacle.service\n", true],
    ["0::/user.slice/user-1000.slice/user@1000.service/app.slice/barnacle.service\n", true],
    ["0::/user.slice/user-1000.slice/session-2.scope\n", false],
    ["0::/user.slice/user-1000.slice/user@1000.service/app.slice/tmux-spawn-1.scope\n", false],
    ["0::/\n", false],
    ["", false],
    ["1:name=systemd:/system.slice/barnacle.service\n2:cpu:/\n", true],
  ];
  for (const [text, expected] of groups) {
    it(`is ${expected} for ${JSON.stringify(text)}`, () => {
      assert.equal(isServiceGroup(text), expected);
    });
  }

  it("is false for a process that does not exist", () => assert.equal(isService(-1), false));
});

describe("hostTimezone()", () => {
  const none = (): string => {
    throw new Error("no such file");
  };

  it("names the zone that Intl names", () => {
    assert.equal(hostTimezone(), Intl.DateTimeFormat().resolvedOptions().timeZone);
  });

  it("tells UTC by TZ, or by the link of the machine", () => {
    const rows: readonly (readonly [string | undefined, string | undefined, string])[] = [
      ["UTC", "/usr/share/zoneinfo/Europe/Vienna", "UTC"],
      ["Etc/UTC", undefined, "UTC"],
      [undefined, "/usr/share/zoneinfo/Etc/UTC", "UTC"],
      [undefined, "../usr/share/zoneinfo/UTC", "UTC"],
      // All others are the runtime's to name.
      ["Europe/Vienna", "/usr/share/zoneinfo/UTC", "asked"],
      ["UTC+3", "/usr/share/zoneinfo/UTC", "asked"],
      [undefined, "/usr/share/zoneinfo/Europe/London", "asked"],
      [undefined, undefined, "asked"],
    ];
    for (const [zone, link, expected] of rows) {
      const found = hostTimezone({ TZ: zone }, () => link ?? none(), () => "asked");
      assert.equal(found, expected, `${zone}, ${link}`);
    }
  });
});

describe("[O1] untilIdle()", () => {
  /** CPU time after each look, in seconds; the last step repeats. */
  const looks = (...steps: readonly number[]) => {
    let calls = 0;
    let sum = 0;
    return {
      used: () => sum += steps[Math.min(calls++, steps.length - 1)] ?? 0,
      calls: () => calls,
    };
  };

  it("returns after the first look without work, however late", async () => {
    const { used, calls } = looks(0, 0.02, 0.005, 0.004);
    await untilIdle(5_000, used);
    assert.equal(calls(), 4);
  });

  it("returns at the end of its wait if there is always work", async () => {
    const { used, calls } = looks(0, 0.02);
    const startedAt = performance.now();
    await untilIdle(100, used);
    assert.ok(performance.now() - startedAt >= 100);
    assert.ok(calls() >= 2);
  });
});

const SCRIPT = join(import.meta.dirname!, "..", "..", "support", "process", "no_descriptors.ts");
const IS_UNIX = skipUnless(process.platform !== "win32", "no limit of descriptors");

it(
  "[O1] residentBytes() › is unknown or right without a free descriptor, and ends nothing",
  IS_UNIX,
  () => {
    const run = process.versions["deno"] ? ["run", "-A", "--no-check", "--quiet"] : [];
    const limited = ["-c", 'ulimit -n 40; exec "$0" "$@"', process.execPath, ...run, SCRIPT];
    const said = execFileSync("sh", limited, { encoding: "utf8" }).trim();
    assert.match(said, /^(?:unknown|\d{7,})$/);
  },
);

describe("loadLibc()", () => {
  it("[X1] calls functions with numbers and with bytes", async () => {
    const libc = await loadLibc({
      abs: { parameters: ["i32"], result: "i32" },
      strnlen: { parameters: ["buffer", "usize"], result: "isize" },
    });
    assert.equal(libc("abs")(-7), 7);
    assert.equal(libc("strnlen")(new TextEncoder().encode("barnacle\0more"), 100), 8);
    assert.equal(libc("strnlen")(new TextEncoder().encode("barnacle"), 3), 3);
  });

  it("[X1] fails to load if one of the functions is missing", async () => {
    const loading = loadLibc({ barnacle_has_none: { parameters: [], result: "i32" } });
    await assert.rejects(loading, { name: "LibcUnavailableError", message: /C library/ });
  });
});

const CASES: readonly (readonly [platform: string, arch: string, names: readonly string[]])[] = [
  ["linux", "x64", ["libc.so.6", "libc.musl-x86_64.so.1"]],
  ["linux", "arm64", ["libc.so.6", "libc.musl-aarch64.so.1"]],
  ["darwin", "arm64", ["libSystem.B.dylib"]],
  ["win32", "x64", ["kernel32.dll"]],
  ["aix", "ppc64", []],
];
for (const [platform, arch, names] of CASES) {
  it(`[X1] librariesOf() › names the C library of ${platform} ${arch}`, () => {
    assert.deepEqual(librariesOf(platform, arch), names);
  });
}
