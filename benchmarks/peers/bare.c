/* The bare limit: one thread, one epoll, the same prebuilt bytes written to every accepted socket once per order.
 *
 *     bare FRAME_FILE
 *
 * Prints its port. Each line on standard input is one round; the end of it ends the program.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CLIENTS = 20000, MAX_FRAME_BYTES = 1 << 20, BACKLOG = 4096, EVENTS = 64 };

/* A WebSocket pong: it says that the client was accepted, and means nothing else. */
static const char GREETING[] = "\x8a\x00";

static int clients[MAX_CLIENTS];
static int count;
static char frame[MAX_FRAME_BYTES];
static size_t size;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void read_frame(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    size = fread(frame, 1, sizeof frame, file);
    fclose(file);
}

static int listen_somewhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) || listen(listener, BACKLOG)) fail("listen");
    if (getsockname(listener, (struct sockaddr *)&address, &length)) fail("getsockname");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void accept_all(int listener) {
    while (count < MAX_CLIENTS) {
        int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (client < 0) return;
        if (send(client, GREETING, sizeof GREETING - 1, MSG_NOSIGNAL) < 0) fail("greet");
        clients[count++] = client;
    }
}

/* A short write is a client that does not read; the harness would see the bytes missing and fail. */
static void send_round(void) {
    for (int i = 0; i < count; i++)
        if (send(clients[i], frame, size, MSG_NOSIGNAL) != (ssize_t)size) fprintf(stderr, "short write: %s\n", strerror(errno));
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    read_frame(argv[1]);
    int listener = listen_somewhere();
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = STDIN_FILENO;
    epoll_ctl(poll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (;;) {
        int found = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < found; i++) {
            if (events[i].data.fd == listener) {
                accept_all(listener);
                continue;
            }
            char orders[256];
            ssize_t got = read(STDIN_FILENO, orders, sizeof orders);
            if (got <= 0) return 0;
            for (ssize_t k = 0; k < got; k++)
                if (orders[k] == '\n') send_round();
        }
    }
}
