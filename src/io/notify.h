/* systemd's word of a service's state. */
#ifndef IO_NOTIFY_H
#define IO_NOTIFY_H

/* "READY=1" (the control socket answers) or "STOPPING=1"; without NOTIFY_SOCKET nothing happens. */
void io_notify(const char *state);

#endif
