// kafkajs cuts what it is given at the first colon, so an address of IPv6 goes through it as a name:
//   [fd00::7]:9092 => fd00--7.ipv6-literal:9092 => fd00::7
const suffix = ".ipv6-literal";

/** A broker of the configuration, `host:port` or `[address]:port`, as kafkajs takes it. */
export function brokerName(broker: string): string {
  const [, address, port] = /^\[([^\]]+)\]:(\d+)$/.exec(broker) ?? [];
  return address === undefined ? broker : `${address.replaceAll(":", "-")}${suffix}:${port}`;
}

/** The host that such a name stands for; every other stays as it is. */
export function brokerHost(name: string): string {
  return name.endsWith(suffix) ? name.slice(0, -suffix.length).replaceAll("-", ":") : name;
}
