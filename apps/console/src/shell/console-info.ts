import { useEffect, useState } from "react";

/** What the server says of itself to everybody. */
export interface ConsoleInfo {
  readonly model?: "real" | "scripted";
  readonly version?: string;
}

let asked: Promise<ConsoleInfo> | undefined;

async function ask(): Promise<ConsoleInfo> {
  try {
    const answer = await fetch("./console/info.json");
    return answer.ok ? ((await answer.json()) as ConsoleInfo) : {};
  } catch {
    // It is asked again by the next page; what stands in the way of everything else is said elsewhere.
    return {};
  }
}

/** Empty until it is known. */
export function useConsoleInfo(): ConsoleInfo {
  const [info, setInfo] = useState<ConsoleInfo>({});
  useEffect(() => {
    let isHere = true;
    asked ??= ask();
    void asked.then((found) => isHere && setInfo(found));
    return () => {
      isHere = false;
    };
  }, []);
  return info;
}
