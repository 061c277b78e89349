import assert from "node:assert/strict";
import { Attributes } from "../../../core/netlink/attributes.ts";
import { messageFlag } from "../../../core/netlink/message.ts";
import { MessageWriter } from "../../../core/netlink/message-writer.ts";
import { NetlinkSocket } from "../../../core/netlink/socket.ts";

// rtnetlink(7): messages and attributes of links, include/uapi/linux/rtnetlink.h and if_link.h
const NETLINK_ROUTE = 0;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const ifinfomsgBytes = 16;
const IFLA_IFNAME = 3;

describe("a netlink socket", () => {
  it("dumps the interfaces of its network namespace", () => {
    const socket = NetlinkSocket.open(NETLINK_ROUTE);
    const names: string[] = [];
    const request = new MessageWriter(RTM_GETLINK, messageFlag.request | messageFlag.dump).raw(new Uint8Array(16));
    socket.dump("links", request, (bytes, message) => {
      assert.equal(message.type, RTM_NEWLINK);
      const a = new Attributes("link", bytes, message.start + ifinfomsgBytes, message.end);
      while (a.next()) if (a.type === IFLA_IFNAME) names.push(a.text());
      a.finish();
    });
    socket.close();
    assert.ok(names.includes("lo"), names.join());
  });

  it("throws what the kernel says of a request it refuses", () => {
    const socket = NetlinkSocket.open(NETLINK_ROUTE);
    const unknown = new Uint8Array(16);
    new DataView(unknown.buffer).setInt32(4, 0x7fffffff, true);
    const request = new MessageWriter(RTM_GETLINK, messageFlag.request | messageFlag.ack).raw(unknown);
    assert.throws(() => socket.request("link", request), { code: "NETLINK_FAILED", message: /^link: ENODEV/ });
    socket.close();
  });

  it("reads nothing when nothing is there", () => {
    const socket = NetlinkSocket.open(NETLINK_ROUTE);
    const reading = socket.read(assert.fail, assert.fail);
    socket.close();
    assert.deepEqual(reading, { datagrams: 0, overrun: false, truncated: 0, full: false });
  });
});
