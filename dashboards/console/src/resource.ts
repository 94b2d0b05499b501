import { useEffect, useRef, useState } from "preact/hooks";

import { RequestError } from "./api.ts";
import { changes, takeSession } from "./store.ts";

/** Something being loaded: what is there already stays while it is loaded anew, so nothing flickers. */
export interface Resource<T> {
  readonly data: T | undefined;
  readonly error: RequestError | undefined;
  readonly reload: () => void;
}

/** Loads when `key` changes, and again after live events when `follow` is set. */
export function useResource<T>(key: string, load: () => Promise<T>, follow = true): Resource<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: RequestError }>({ key });
  const [turn, setTurn] = useState(0);
  const run = useRef(0);
  const change = follow ? changes.value : 0;
  useEffect(() => {
    run.current += 1;
    const mine = run.current;
    load().then(
      (data) => {
        if (mine === run.current) setState({ key, data });
        return undefined;
      },
      (error: unknown) => {
        if (mine !== run.current) return;
        if (!(error instanceof RequestError)) throw error;
        if (error.status === 401) takeSession(null);
        else setState((before) => (before.key === key ? { ...before, error } : { key, error }));
      },
    );
  }, [key, turn, change]);
  const isCurrent = state.key === key;
  return {
    data: isCurrent ? state.data : undefined,
    error: isCurrent ? state.error : undefined,
    reload: () => {
      setTurn((value) => value + 1);
    },
  };
}
