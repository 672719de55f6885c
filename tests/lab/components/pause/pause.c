/* The container that holds a pod's namespaces: sleeps, reaps the orphans of its namespace, ends when told to.
   `pause -v` prints the version and exits 0: the health check Job of kubeadm's upgrade runs it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void reap(int signal_number) {
    (void)signal_number;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

static void end(int signal_number) {
    (void)signal_number;
    _exit(0);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "-v") == 0) {
        puts("pause.c " VERSION);
        return 0;
    }
    struct sigaction on_child = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP};
    struct sigaction on_end = {.sa_handler = end};
    sigaction(SIGCHLD, &on_child, NULL);
    sigaction(SIGINT, &on_end, NULL);
    sigaction(SIGTERM, &on_end, NULL);
    for (;;)
        pause();
}
