import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ContainerPorts, isContainer } from "../../../src/host/process/container.ts";

/** A machine where an engine has left nothing, but for what is named. */
const seen = (path = "", cgroup = "0::/init.scope\n"): ContainerPorts => ({
  exists: (one) => one === path,
  cgroup: () => cgroup,
});

describe("[O8] isContainer()", () => {
  it("believes Kubernetes and Podman, which say so", () => {
    assert.equal(isContainer({ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, seen()), true);
    for (const container of ["podman", "oci", "docker"]) {
      assert.equal(isContainer({ container }, seen()), true);
    }
  });

  const MARKS: readonly ContainerPorts[] = [
    seen("/.dockerenv"),
    seen("/run/.containerenv"),
    seen("", "12:cpu:/docker/0123\n"),
    seen("", "0::/kubepods/besteffort/pod1\n"),
    seen("", "0::/lxc/101/docker/0123\n"), // an engine within a machine of LXC
  ];
  it("tells by what the engines leave", () => {
    for (const ports of MARKS) assert.equal(isContainer({}, ports), true);
    assert.equal(isContainer({}, seen()), false);
  });

  it("takes LXC and systemd-nspawn for a machine: they have name servers of their own", () => {
    for (const container of ["lxc", "lxc-libvirt", "systemd-nspawn"]) {
      assert.equal(isContainer({ container }, seen()), false);
    }
    assert.equal(isContainer({}, seen("", "0::/lxc/101\n")), false);
    assert.equal(isContainer({}, seen("", "0::/lxc.payload.web\n")), false);
  });

  it("never fails on the machine that it runs on", () => {
    assert.equal(typeof isContainer({}), "boolean");
  });
});
