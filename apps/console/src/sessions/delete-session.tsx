import { useAgentService } from "@hhopkins/agent-runtime-react";
import { useLocation } from "wouter";
import { paths, sessionOf } from "../routes.ts";
import { Confirm } from "../ui/confirm.tsx";
import { useToast } from "../ui/toast.tsx";

export interface DeleteSessionProps {
  readonly sessionId: string;
  readonly name: string;
  readonly onClose: () => void;
}

/** Asks, deletes, and leaves the session's page if that is where one is. */
export function DeleteSession({ sessionId, name, onClose }: DeleteSessionProps) {
  const { client } = useAgentService();
  const toast = useToast();
  const [path, navigate] = useLocation();
  const remove = async (): Promise<void> => {
    await client.deleteSession(sessionId);
    if (sessionOf(path) === sessionId) navigate(paths.home);
    toast(`${name} is deleted.`);
  };
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete ${name}?`}
      action="Delete"
      danger
      onConfirm={remove}
    >
      Its conversation, its files and its log go for good, for everybody, and what it is doing ends. This cannot be
      taken back; export it first to keep a copy.
    </Confirm>
  );
}
