//! Pages and bodies that several scenarios send.

/// nginx's page for an upstream that does not answer in time.
pub(super) const NGINX_504: &str = "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n\
    <center><h1>504 Gateway Time-out</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";

/// nginx's page for an upstream that is not there.
pub(super) const NGINX_502: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";

/// nginx's page for a path that is not there.
pub(super) const NGINX_404: &str = "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n\
    <center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";

/// nginx's page for a method that a file does not take.
pub(super) const NGINX_405: &str = "<html>\r\n<head><title>405 Not Allowed</title></head>\r\n<body>\r\n\
    <center><h1>405 Not Allowed</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";

/// nginx's page under `limit_req` with its own status.
pub(super) const NGINX_429: &str = "<html>\r\n<head><title>429 Too Many Requests</title></head>\r\n<body>\r\n\
    <center><h1>429 Too Many Requests</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";

/// HAProxy's page when no backend is up.
pub(super) const HAPROXY_503: &str =
    "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n";

/// The page of a chat application that lives beside the API.
pub(super) const CHAT_UI: &str = "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>One API</title>\
    <script defer src=\"/static/js/main.3a61ac2d.js\"></script></head>\n<body><noscript>You need to enable JavaScript to run this \
    app.</noscript><div id=\"root\"></div></body>\n</html>\n";

/// A company's front page.
pub(super) const WEBSITE: &str = "<!DOCTYPE html>\n<html>\n<head><title>Welcome to Example Corp</title></head>\n\
    <body><h1>Example Corp</h1><p>We make everything.</p></body>\n</html>\n";

/// The headers under which nginx sends its pages.
pub(super) const NGINX: &str = "Server: nginx/1.22.1\r\nContent-Type: text/html\r\n";

/// Cloudflare's page for whoever a firewall rule stops.
pub(super) const BLOCKED: &str = "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head><body><h1>Sorry, you have been \
    blocked</h1><p>The action you just performed triggered the security solution. There are several actions that could trigger this \
    block including submitting a certain word or phrase, a SQL command or malformed data.</p></body></html>";
