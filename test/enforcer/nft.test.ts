import { NftMemory } from "../support/nft-memory.ts";
import { nftContract } from "./nft.contract.ts";

nftContract("the fake in memory", () => new NftMemory());
nftContract("the fake in memory that remembers", () => new NftMemory({ remembers: true }));
