import assert from "node:assert/strict";
import { existsSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type S3Fault, startS3 } from "../support/files/s3_server.ts";
import { type Seeded, seeded } from "../support/seeded.ts";
import { tempDirectory } from "../support/temp_directory.ts";
import { type Machine, machineAt } from "./support.ts";

const PATHS = ["a.md", "b.md", "notes", "notes/plan.md", "notes/deep/x.csv", "AGENTS.md"];
const FAULTS: readonly S3Fault[] = [
  "cut",
  "cut_after",
  "half",
  { status: 503, code: "SlowDown" },
  { status: 403, code: "AccessDenied" },
];

/** The contents that no process has replaced or deleted while it had them. */
function track() {
  const owed = new Set<string>();
  let count = 0;
  const forget = (machine: Machine, path: string) => {
    for (const [inner, text] of Object.entries(machine.files())) {
      if (inner === path || inner.startsWith(`${path}/`)) owed.delete(text);
    }
  };
  return {
    owed,
    write(machine: Machine, path: string): void {
      const parts = path.split("/");
      const isBlocked = parts.slice(1).some((_, at) => {
        const around = join(machine.root, ...parts.slice(0, at + 1));
        return existsSync(around) && lstatSync(around).isFile();
      });
      const place = join(machine.root, path);
      if (isBlocked || (existsSync(place) && lstatSync(place).isDirectory())) return;
      forget(machine, path);
      const text = `content ${count++}`;
      machine.write(path, text);
      owed.add(text);
    },
    remove(machine: Machine, path: string): void {
      forget(machine, path);
      machine.remove(path);
    },
  };
}

async function play({ upTo, pick, random }: Seeded): Promise<void> {
  using directory = tempDirectory();
  await using s3 = await startS3();
  let isDying = false;
  const onStep = () => {
    if (isDying && random() < 0.4) throw new Error("the process dies");
  };
  const machines = ["one", "two"].map((name) =>
    machineAt(s3, join(directory.path, name), { onStep })
  );
  const { owed, write, remove } = track();
  for (let step = 0; step < 30; step++) {
    const machine = pick(machines);
    const kind = upTo(10);
    if (kind < 4) write(machine, pick(PATHS));
    else if (kind === 4) remove(machine, pick(PATHS));
    else if (kind === 5) machine.isBusy = !machine.isBusy;
    else if (kind < 8) await machine.folder.sync();
    else {
      isDying = kind === 9;
      const fault = pick(FAULTS);
      s3.fault = () => random() < 0.3 ? fault : undefined;
      await Promise.allSettled(machines.map(({ folder }) => folder.sync()));
      s3.fault = undefined;
      isDying = false;
      if (random() < 0.5) machine.restart();
    }
  }
  for (const machine of machines) machine.isBusy = false;
  for (let round = 0; round < 3; round++) {
    for (const { folder } of machines) await folder.sync();
  }
  const [one, two] = machines.map((machine) => machine.files());
  assert.deepEqual(one, two, "all processes have the same files");
  const found = new Set(Object.values(one ?? {}));
  assert.deepEqual([...owed].filter((text) => !found.has(text)), [], "nothing is lost");
  assert.deepEqual(s3.refused, [], "the server has checked each signature");
}

describe("[O17] a folder of two processes", () => {
  for (let seed = 1; seed <= 40; seed++) {
    it(`loses nothing and becomes equal, whatever fails (seed ${seed})`, () => play(seeded(seed)));
  }
});
